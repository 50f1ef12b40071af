/* From the steps of threads to clocks, from instructions to accesses. */
#include "runtime/race/races.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "there is not enough memory";

static void stop(Races *r, const char *why) {
  if (r->off == NULL) r->off = why;
}

static bool number_of(Races *r, const Tstate *ts, unsigned *number) {
  uint64_t n = ts->gil.scheduled.number;
  if (n >= CLOCKS_THREADS) stop(r, "there are too many threads");
  *number = (unsigned)n;
  return r->off == NULL;
}

static void released(Order *o, Tstate *self, const void *object) {
  Races *r = (Races *)o;
  unsigned n;
  if (number_of(r, self, &n) && !clocks_release(&r->clocks, n, object)) stop(r, no_memory);
}

static void acquired(Order *o, Tstate *self, const void *object) {
  Races *r = (Races *)o;
  unsigned n;
  if (number_of(r, self, &n)) clocks_acquire(&r->clocks, n, object);
}

static void passed(Order *o, Tstate *self, Tstate *target) {
  Races *r = (Races *)o;
  unsigned from, to;
  if (number_of(r, self, &from) && number_of(r, target, &to)) clocks_pass(&r->clocks, from, to);
}

static void fill_side(RaceSide *side, const Access *a) {
  *side = (RaceSide){.thread = a->thread, .line = a->spot->line, .writes = a->how != READS};
  snprintf(side->source, sizeof side->source, "%s", a->spot->source);
}

/* The access that is told, and by whom. */
typedef struct Told {
  const Accesses *accesses;
  Races *races;
} Told;

static void found(void *data, const Access *before, const Access *now, const Place *place) {
  const Told *told = data;
  Race race;
  fill_side(&race.first, before);
  fill_side(&race.second, now);
  access_name(told->accesses, now->spot, place, race.what, sizeof race.what);
  told->races->tell(told->races->data, &race);
}

static void note(void *data, const Accesses *accesses, const Spot *spot, const Place *place, AccessHow how) {
  Races *r = data;
  if (r->history != NULL) history_access(r->history, r->thread, place, how != READS);
  if (!r->looks) return;
  Access a = {.spot = spot, .moment = clocks_now(&r->clocks, r->thread), .thread = (uint16_t)r->thread,
              .how = (uint16_t)how};
  Told told = {.accesses = accesses, .races = r};
  if (!cells_note(&r->cells, &r->clocks, place, &a, found, &told)) stop(r, no_memory);
}

/* What metamethods there are, and what they do, is not of the place. */
static void note_other(void *data) {
  Races *r = data;
  history_step(r->history, r->thread);
}

const char *races_step(lua_State *L, Tstate *ts, lua_Debug *ar) {
  Races *r = (Races *)ts->order;
  if (code_worn(r->accesses->code)) stop(r, no_memory);
  if (!number_of(r, ts, &r->thread)) return r->off;
  bool all = r->history != NULL;
  const AccessSink sink = {.access = note, .other = all ? note_other : NULL, .environment = all, .data = r};
  if (!access_tell(r->accesses, &sink, L, ar)) stop(r, no_memory);
  return r->off;
}

Races *races_begin(lua_State *L, Accesses *accesses, void (*tell)(void *data, const Race *race), void *data) {
  Races *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->accesses = accesses;
  r->order = (Order){.released = released, .acquired = acquired, .passed = passed};
  r->tell = tell;
  r->looks = true;
  r->data = data;
  clocks_begin(&r->clocks);
  Runtime *rt = runtime_of(L);
  rt->order = &r->order;
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) ts->order = rt->order;
  return r;
}
