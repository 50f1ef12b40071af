/* Looking at each instruction. */
#include "interp/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/race/touch.h"
#include "runtime/race/visible.h"
#include "runtime/thread/excepthook.h"
#include "runtime/thread/thread.h"

/* The trial of this process, a child. Written once, before it has a second thread; what calls back has no other way to it. */
static Trial *here;

static void note_error(void *data, const char *text) {
  here->threw = true;
  here->deadlocked |= strstr(text, "deadlock: ") != NULL;
  excepthook_to_stderr(data, text);
}

static void stop_stuck(Schedule *s, GilThread *self) {
  (void)s, (void)self;
  here->stuck = true;
  _exit(EXIT_FAILURE);
}

static bool is_same_side(const RaceSide *a, const RaceSide *b) {
  return a->line == b->line && a->writes == b->writes && strcmp(a->source, b->source) == 0;
}

static void note_name(Tstate *ts) {
  uint64_t number = ts->gil.scheduled.number;
  if (number < TRIAL_NAMES && here->names[number][0] == '\0') thread_peek_name(ts, here->names[number], TRIAL_NAME_ROOM);
}

static void note_race(void *data, const Race *race) {
  Trial *t = data;
  for (unsigned i = 0; i < t->nraces; i++)
    if (is_same_side(&t->race[i].first, &race->first) && is_same_side(&t->race[i].second, &race->second)) return;
  if (t->nraces < TRIAL_RACES) t->race[t->nraces++] = *race;
}

/* Notes where L is, if that is another line than before. */
static void note_line(lua_State *L, Tstate *ts, lua_Debug *ar) {
  Trial *t = here;
  uint64_t number = ts->gil.scheduled.number;
  if (t->nlines == TRIAL_LINES || !lua_getinfo(L, "Sl", ar) || ar->currentline < 0) return;
  TrialLine *last = t->nlines > 0 ? &t->lines[t->nlines - 1] : NULL;
  bool same = last != NULL && last->thread == number && last->line == ar->currentline &&
              strncmp(last->source, ar->short_src, TRIAL_SOURCE_ROOM - 1) == 0;
  if (same && last->turn == t->schedule.nturns) return;
  TrialLine *line = &t->lines[t->nlines++];
  *line = (TrialLine){.turn = t->schedule.nturns, .thread = (uint32_t)number, .line = ar->currentline};
  snprintf(line->source, sizeof line->source, "%s", ar->short_src);
}

static void stop_races(const char *why) {
  here->races = false;
  snprintf(here->unseen, sizeof here->unseen, "%s", why);
}

/* What a child looks at its instructions with; they are its own, and live as long as it. */
struct Looking {
  Code code;
  Visible visible;
  Accesses accesses;
  History history;
};

static bool step(lua_State *L, Tstate *ts, lua_Debug *ar) {
  struct Looking *looking = here->looking;
  note_name(ts);
  if (here->explain) note_line(L, ts, ar);
  if (looking == NULL) return true;
  if (visible_next(&looking->visible, &looking->code, L, ar) == NOTICE_NOTHING) return false;
  if (here->touches) touch_next(&here->schedule.next, &looking->accesses, L, ar);
  return true;
}

static void note_state(lua_State *L, Tstate *ts, lua_Debug *ar) {
  struct Looking *looking = here->looking;
  Notice notice = visible_next(&looking->visible, &looking->code, L, ar);
  if (notice == NOTICE_NOTHING) return;
  const char *why = races_step(L, ts, ar);
  if (why != NULL && here->races) stop_races(why);
  if (why != NULL || notice == NOTICE_ANYTHING) history_step(&looking->history, (unsigned)ts->gil.scheduled.number);
  here->schedule.state = history_state(&looking->history) | 1;
}

/* What it accesses is so then, whatever others did since it came there. */
static void look_for_races(lua_State *L, Tstate *ts, lua_Debug *ar) {
  const char *why = here->races ? races_step(L, ts, ar) : NULL;
  if (why != NULL) stop_races(why);
}

static struct Looking *new_looking(lua_State *L) {
  struct Looking *looking = calloc(1, sizeof *looking);
  if (looking == NULL || !code_begin(L, &looking->code)) return NULL; /* nobody frees it: the process is about to run and end */
  looking->accesses.code = &looking->code;
  return looking;
}

static void begin_looking(lua_State *L) {
  struct Looking *looking = here->looking = new_looking(L);
  if (here->races && looking == NULL) stop_races("this Lua does not show its instructions");
  bool wanted = looking != NULL && (here->races || here->states);
  Races *races = wanted ? races_begin(L, &looking->accesses, note_race, here) : NULL;
  if (here->races && races == NULL) stop_races("there is not enough memory");
  if (races == NULL) return;
  races->looks = here->races;
  races->history = here->states ? &looking->history : NULL;
  runtime_of(L)->steps = here->states ? note_state : look_for_races;
}

void notes_begin(lua_State *L, Trial *t) {
  here = t;
  t->schedule.over = stop_stuck;
  runtime_of(L)->on_error = note_error;
  begin_looking(L);
  runtime_of(L)->stepped = step;
}
