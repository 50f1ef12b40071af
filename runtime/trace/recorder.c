/* The producer's side of a recording. */
#include "runtime/trace/recorder.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/thread/thread.h"
#include "runtime/state/traceback.h"
#include "runtime/trace/format.h"
#include "runtime/trace/names.h"
#include "runtime/trace/ring.h"
#include "runtime/trace/writer.h"

enum {
  LONGEST_NAME = 200,
  RING_CAPACITY = 1 << 16, /* 4 MiB: a hundred times what a busy program does between two looks of the writer */
  PLACES_FIRST = 1024,
  MERGE_NS = 1000,
  CLOCK_AGE_NS = 5000000,
};

/* A source line that has an id. */
typedef struct Place {
  const char *source; /* as a hint only: a chunk's name may be freed, and its address be used again */
  int line;
  uint32_t id; /* 0: a free slot */
  char text[LUA_IDSIZE];
} Place;

struct Recorder {
  TraceRing ring;
  TraceNow now;
  Writer *writer;
  char *path;
  Tstate *holder; /* [G] whose turn it is or was last; NULL: none yet */
  Record turn;    /* [G] that turn, not in the ring yet */
  bool holding;   /* [G] it goes on */
  uint64_t start, merge; /* [i] ticks */
  int64_t start_ns; /* [i] the same moment as start */
  double ticks_per_ns; /* [i] more exact than the lock's */
  Place *places;  /* [G] open addressing */
  uint32_t nplaces, room; /* [G] */
  Names names; /* [G] of events, and of what threads wait for or do */
  uint16_t number; /* [i] Runtime.recordings at its start */
  uint32_t first_track; /* [i] */
};

/* A text in pieces. Returns false if a piece was lost: the id must not be used then. */
static bool put_text(Recorder *r, RecordKind kind, uint32_t id, const char *text) {
  size_t n = strlen(text), at = 0;
  do {
    Record piece = {.kind = (uint8_t)kind, .id = id};
    size_t part = n - at < RECORD_TEXT ? n - at : RECORD_TEXT;
    memcpy(piece.text, text + at, part);
    if (!trace_ring_put(&r->ring, &piece)) return false;
    at += part;
    if (part < RECORD_TEXT) return true; /* a short piece is the last */
  } while (true);
}

static void put_turn(Recorder *r) {
  if (r->holder != NULL) trace_ring_put(&r->ring, &r->turn);
  r->holder = NULL;
}

/* The turn goes on, or another takes its place, or nobody has the lock. */
static void tell_now(Recorder *r) {
  static const Record nobody = {.kind = RECORD_TURN};
  trace_now_set(&r->now, r->holder != NULL ? &r->turn : &nobody);
}

/* A slot of that place, or the free one where it belongs. */
static Place *find_place(const Recorder *r, const lua_Debug *ar) {
  size_t i = ((uintptr_t)ar->source >> 4) * 31 + (size_t)ar->currentline;
  for (;; i++) {
    Place *p = &r->places[i & (r->room - 1)];
    if (p->id == 0) return p;
    if (p->line == ar->currentline && p->source == ar->source && strcmp(p->text, ar->short_src) == 0) return p;
  }
}

static bool grow_places(Recorder *r) {
  Place *old = r->places;
  uint32_t n = r->room;
  Place *bigger = calloc((size_t)n * 2, sizeof *bigger);
  if (bigger == NULL) return false;
  r->places = bigger;
  r->room = n * 2;
  for (uint32_t i = 0; i < n; i++) {
    if (old[i].id == 0) continue;
    lua_Debug ar = {.source = old[i].source, .currentline = old[i].line};
    memcpy(ar.short_src, old[i].text, LUA_IDSIZE);
    *find_place(r, &ar) = old[i];
  }
  free(old);
  return true;
}

/* The id of the line where L is; 0 if it is nowhere or cannot be told. */
static uint32_t place_of(Recorder *r, lua_State *L) {
  lua_Debug ar;
  if (!traceback_line(L, &ar)) return 0;
  Place *p = find_place(r, &ar);
  if (p->id != 0) return p->id;
  if (r->nplaces * 2 >= r->room) {
    if (!grow_places(r)) return 0;
    p = find_place(r, &ar);
  }
  char text[TRACEBACK_WHERE_SIZE];
  snprintf(text, sizeof text, "%s:%d", ar.short_src, ar.currentline);
  if (!put_text(r, RECORD_LOCATION, r->nplaces + 1, text)) return 0;
  p->source = ar.source;
  p->line = ar.currentline;
  memcpy(p->text, ar.short_src, LUA_IDSIZE);
  p->id = ++r->nplaces;
  return p->id;
}

/* Counters of two processors may be some ticks apart: what comes later must not look earlier. */
static uint64_t not_before(uint64_t earlier, uint64_t ticks) { return ticks > earlier ? ticks : earlier; }

/* The id of a name; 0 if it has none. */
static uint16_t name_id(Recorder *r, const char *name) {
  uint32_t slot;
  uint16_t id = names_find(&r->names, name, &slot);
  if (id != 0) return id;
  id = names_add(&r->names, name, slot);
  if (id == 0 || put_text(r, RECORD_NAME, id, name)) return id;
  names_take_back(&r->names, slot);
  return 0;
}

/* What ts left the lock for. As an id: the text may be a userdata's. */
static void note_what(Recorder *r, Tstate *ts) {
  const char *what = tstate_busy_with(ts, &ts->left_waits);
  ts->left_for = what != NULL ? name_id(r, what) : 0;
}

static void began(GilThread *t, uint64_t ready, uint64_t now) {
  Tstate *ts = tstate_of(t);
  Recorder *r = ts->rt->recorder;
  if (ts->ident == 0) return; /* not a thread of Lua: it makes a dump */
  ready = not_before(ts->left_at, ready);
  now = not_before(ready, now);
  if (ts == r->holder && r->turn.how == GIL_LEFT && now - r->turn.end < r->merge) { /* goes on */
    r->holding = true;
    r->turn.how = TURN_GOES_ON;
    tell_now(r);
    return;
  }
  put_turn(r);
  r->holder = ts;
  r->holding = true;
  r->turn = (Record){.kind = RECORD_TURN,
                     .how = TURN_GOES_ON,
                     .id = (uint32_t)ts->ident,
                     .where_left = ts->left_where,
                     .left = ts->left_at,
                     .ready = ready,
                     .begin = now,
                     .end = now,
                     .name = ts->left_for,
                     .waits = ts->left_waits};
  tell_now(r);
}

static void ended(GilThread *t, uint64_t now, GilHow how) {
  Tstate *ts = tstate_of(t);
  Recorder *r = ts->rt->recorder;
  if (ts != r->holder) return;
  now = not_before(r->turn.begin, now);
  /* short native calls in a loop: the place of the turn's last microsecond but one will do */
  bool look = how != GIL_LEFT || now - r->turn.end >= r->merge || r->turn.where == 0;
  r->holding = false;
  r->turn.end = now;
  r->turn.how = (uint8_t)how;
  if (look) r->turn.where = place_of(r, ts->current);
  ts->left_at = now;
  ts->left_where = r->turn.where;
  note_what(r, ts);
  r->turn.next_name = ts->left_for;
  r->turn.next_waits = ts->left_waits;
  if (how != GIL_LEFT) put_turn(r); /* nothing is put together with it */
  tell_now(r);
}

static const GilWatcher watcher = {.began = began, .ended = ended};

static uint64_t now_of(const Runtime *rt) { return clock_ticks(&rt->gil.clock); }

static void free_recorder(Recorder *r) {
  names_fini(&r->names);
  free(r->places);
  free(r->path);
  trace_ring_fini(&r->ring);
  free(r);
}

static Recorder *new_recorder(const Gil *g, const char *path) {
  Recorder *r = calloc(1, sizeof *r);
  if (r == NULL) return NULL;
  r->merge = (uint64_t)(MERGE_NS * g->ticks_per_ns);
  r->room = PLACES_FIRST;
  r->places = calloc(r->room, sizeof *r->places);
  r->path = strdup(path);
  if (trace_ring_init(&r->ring, RING_CAPACITY) && r->places != NULL && r->path != NULL) return r;
  free_recorder(r);
  return NULL;
}

/* What is known of ts from the start: its name, and that it waits. */
static void introduce(Recorder *r, Tstate *ts, uint64_t now) {
  char name[LONGEST_NAME];
  put_text(r, RECORD_THREAD, (uint32_t)ts->ident, thread_peek_name(ts, name, sizeof name));
  ts->left_at = now;
  ts->task_since = 0;
  ts->left_where = place_of(r, ts->current);
  note_what(r, ts);
  Record start = {.kind = RECORD_START, .id = (uint32_t)ts->ident, .begin = now, .where = ts->left_where,
                  .next_name = ts->left_for, .next_waits = ts->left_waits};
  trace_ring_put(&r->ring, &start);
}

/* A thread has started, or ends: the last that is heard of it. */
static void thread_life(Tstate *ts, bool starts) {
  Recorder *r = ts->rt->recorder;
  uint64_t now = now_of(ts->rt);
  if (starts) {
    introduce(r, ts, now);
    ts->left_at = 0;
    return;
  }
  trace_task_end(ts);
  Record end = {.kind = RECORD_END, .id = (uint32_t)ts->ident, .end = now};
  if (r->holder == ts) {
    r->turn.end = now;
    put_turn(r);
  }
  trace_ring_put(&r->ring, &end);
}

static void end_recording(Runtime *rt) { recorder_stop(rt, NULL); }

/* The scale between the two clocks gets more exact with the age of the runtime: a very young one waits a moment, so that
 * rows that were timed by different clocks stay side by side. Returns the ticks, and the nanoseconds of that moment. */
static uint64_t measure_clock(const Clock *clock, int64_t *ns) {
  uint64_t before, after, least = UINT64_MAX, now = 0;
  int64_t age = clock_ns() - clock->ns_base;
  if (age < CLOCK_AGE_NS) nanosleep(&(struct timespec){.tv_nsec = CLOCK_AGE_NS - age}, NULL);
  for (int i = 0; i < 5; i++) { /* the closest of some pairs */
    before = clock_ticks(clock);
    int64_t then = clock_ns();
    after = clock_ticks(clock);
    if (after - before >= least) continue;
    least = after - before;
    now = before + least / 2;
    *ns = then;
  }
  return now;
}

int recorder_start(Tstate *self, const char *path) {
  Runtime *rt = self->rt;
  if (rt->recorder != NULL) return EALREADY;
  Recorder *r = new_recorder(&rt->gil, path);
  if (r == NULL) return ENOMEM;
  int64_t now_ns = 0;
  uint64_t now = measure_clock(&rt->gil.clock, &now_ns);
  int err = writer_start(&r->writer, &r->ring, &r->now, path, &rt->gil.clock, now);
  if (err != 0) {
    free_recorder(r);
    return err;
  }
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) introduce(r, ts, now);
  r->number = ++rt->recordings;
  r->start = now;
  r->start_ns = now_ns;
  r->ticks_per_ns = clock_ticks_per_ns(&rt->gil.clock);
  if (rt->next_track == 0) rt->next_track = FIRST_TRACK;
  r->first_track = rt->next_track;
  rt->recorder = r;
  rt->end_recording = end_recording;
  rt->thread_life = thread_life;
  self->left_at = 0;
  rt->gil.watcher = &watcher;
  began(&self->gil, now, now);
  return 0;
}

/* The turn that goes on, and the waits of all others, as far as they have come. */
static void note_unfinished(Runtime *rt, uint64_t now) {
  Recorder *r = rt->recorder;
  if (r->holder != NULL && r->holding) {
    r->turn.end = now;
    r->turn.where = place_of(r, r->holder->current);
  }
  put_turn(r);
  for (Tstate *ts = rt->threads; ts != NULL; ts = ts->next) {
    trace_task_end(ts);
    if (gil_held(&ts->gil)) continue;
    pthread_mutex_lock(&rt->gil.m);
    uint64_t ready = ts->gil.place == GIL_OUT ? now : not_before(ts->left_at, ts->gil.ready_since);
    pthread_mutex_unlock(&rt->gil.m);
    Record rest = {.kind = RECORD_TURN, .id = (uint32_t)ts->ident, .how = GIL_PARKED, .where_left = ts->left_where,
                   .left = ts->left_at, .ready = ready, .begin = now, .end = now, .name = ts->left_for,
                   .waits = ts->left_waits};
    trace_ring_put(&r->ring, &rest);
  }
}

int recorder_stop(Runtime *rt, uint64_t *lost) {
  Recorder *r = rt->recorder;
  if (r == NULL) return 0;
  uint64_t now = now_of(rt);
  rt->gil.watcher = NULL;
  note_unfinished(rt, now);
  rt->recorder = NULL;
  rt->end_recording = NULL;
  rt->thread_life = NULL;
  int err = writer_stop(r->writer, now, r->ring.lost);
  if (lost != NULL) *lost += r->ring.lost;
  free_recorder(r);
  return err;
}

const char *recorder_path(const Runtime *rt) { return rt->recorder != NULL ? rt->recorder->path : NULL; }

uint32_t trace_track(Runtime *rt, const char *name) {
  Recorder *r = rt->recorder;
  if (r == NULL) return 0;
  if (!put_text(r, RECORD_THREAD, rt->next_track, name)) return 0;
  return rt->next_track++;
}

bool trace_track_current(const Runtime *rt, uint32_t track) {
  const Recorder *r = rt->recorder;
  return r != NULL && track >= r->first_track && track < rt->next_track;
}

uint32_t trace_name(Runtime *rt, const char *name) {
  Recorder *r = rt->recorder;
  uint16_t id = r != NULL ? name_id(r, name) : 0;
  return id != 0 ? (uint32_t)r->number << 16 | id : 0;
}

uint32_t trace_function(lua_State *L, Runtime *rt, int i) {
  if (rt->recorder == NULL || !lua_isfunction(L, i)) return trace_name(rt, luaL_typename(L, i));
  lua_Debug ar;
  char text[TRACEBACK_WHERE_SIZE];
  lua_pushvalue(L, i);
  lua_getinfo(L, ">S", &ar);
  if (ar.linedefined < 0) return trace_name(rt, "C function");
  snprintf(text, sizeof text, "%s:%d", ar.short_src, ar.linedefined);
  return trace_name(rt, text);
}

static void put_event(Recorder *r, uint32_t row, uint32_t name, uint64_t begin, uint64_t end) {
  Record event = {.kind = RECORD_EVENT, .id = row, .begin = begin, .end = end};
  if (name >> 16 == r->number) event.name = (uint16_t)name; /* else it is of an earlier recording */
  trace_ring_put(&r->ring, &event);
}

static uint64_t ticks_of(const Recorder *r, int64_t ns) {
  return ns > r->start_ns ? r->start + (uint64_t)((double)(ns - r->start_ns) * r->ticks_per_ns) : r->start;
}

void trace_event(Runtime *rt, uint32_t track, uint32_t name, int64_t begin_ns, int64_t end_ns) {
  const Recorder *r = rt->recorder;
  if (trace_track_current(rt, track) && end_ns > r->start_ns)
    put_event(rt->recorder, track, name, ticks_of(r, begin_ns), ticks_of(r, end_ns));
}

void trace_task_begin(Tstate *self, uint32_t name) {
  self->task_name = name;
  self->task_since = now_of(self->rt);
}

void trace_task_end(Tstate *self) {
  uint64_t since = self->task_since;
  Recorder *r = self->rt->recorder;
  self->task_since = 0;
  if (since != 0 && r != NULL) put_event(r, (uint32_t)self->ident, self->task_name, since, now_of(self->rt));
}

void trace_mark(Tstate *self, const char *name) {
  Recorder *r = self->rt->recorder;
  if (r == NULL) return;
  Record mark = {.kind = RECORD_MARK, .id = (uint32_t)self->ident, .name = name_id(r, name), .begin = now_of(self->rt)};
  trace_ring_put(&r->ring, &mark);
}
