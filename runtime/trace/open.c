/* The waits that go on. */
#include "runtime/trace/open.h"

static void begins(OpenWaits *o, const Record *r, uint64_t since) {
  OpenWait *w = &o->at[r->id % OPEN_MOST];
  if (w->id != 0 && w->id != r->id) return;
  *w = (OpenWait){.id = r->id, .where = r->where, .since = since, .name = r->next_name, .waits = r->next_waits};
}

void open_note(OpenWaits *o, const Record *r) {
  OpenWait *w = &o->at[r->id % OPEN_MOST];
  if (r->kind == RECORD_TURN) begins(o, r, r->end);
  else if (r->kind == RECORD_START) begins(o, r, r->begin);
  else if (r->kind == RECORD_END && w->id == r->id) w->id = 0;
}

static void write_wait(Trace *t, const TraceFormat *format, const OpenWait *w, uint64_t ticks) {
  if (w->since == 0 || w->since >= ticks) return;
  Record r = {.kind = RECORD_TURN, .id = w->id, .where_left = w->where, .where = w->where, .left = w->since,
              .ready = ticks, .begin = ticks, .end = ticks, .name = w->name, .waits = w->waits};
  format->record(t, &r);
}

void open_write(const OpenWaits *o, Trace *t, const TraceFormat *format, const Record *now, uint64_t ticks) {
  uint64_t turns = t->turns, left_out = t->left_out; /* they are not written for good */
  for (uint32_t i = 0; i < OPEN_MOST; i++)
    if (o->at[i].id != 0 && o->at[i].id != now->id) write_wait(t, format, &o->at[i], ticks);
  if (now->id != 0) {
    Record turn = *now;
    bool goes_on = turn.how == TURN_GOES_ON;
    if (goes_on && turn.end < ticks) turn.end = ticks;
    format->record(t, &turn);
    OpenWait w = {.id = turn.id, .where = turn.where, .since = turn.end, .name = turn.next_name, .waits = turn.next_waits};
    if (!goes_on) write_wait(t, format, &w, ticks);
  }
  t->turns = turns;
  t->left_out = left_out;
}
