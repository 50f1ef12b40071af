/* The page: page.html, and the data behind it as lines of text, which the page reads. Numbers are nanoseconds, times are
 * since the start, durations since what precedes them.
 *
 *   t,row,name             a thread or track            l,place,name            a source line
 *   h,row,begin,held,ready,blocked,place before,place,what
 *                          a turn: `ready` long in line before it, `blocked` in `what` before that
 *   n,…                    the same, but what came before that was native work, "" if it has no name
 *   s,row,time  e,row,time start and end of a thread    m,row,time,name         a mark
 *   x,row,begin,duration,name  a task                   z,time,lost,left out    the end
 */
#include "runtime/trace/format.h"

/* Turns and tasks. A browser that is to show more would be slow; JSON has no such limit. */
enum { TURNS_MOST = 2000000 };

static const char page[] =
#include "runtime/trace/page.inc"
    ;

static void field(Out *out, uint64_t n) {
  out_text(out, ",");
  if (n != 0) out_number(out, n);
}

static void begin_line(Out *out, const char *kind, uint32_t row) {
  out_text(out, kind);
  out_number(out, row);
}

static void named(Trace *t, const char *kind, uint32_t id, const char *name) {
  begin_line(&t->out, kind, id);
  out_text(&t->out, ",");
  out_quoted(&t->out, name);
  out_text(&t->out, "\n");
}

static void thread(Trace *t, uint32_t id, const char *name) { named(t, "t,", id, name); }

static void place(Trace *t, uint32_t id, const char *name) { named(t, "l,", id, name); }

static void turn(Trace *t, const Record *r) {
  Out *out = &t->out;
  uint64_t ready = trace_ns(t, r->ready), begin = trace_ns(t, r->begin), end = trace_ns(t, r->end);
  uint64_t left = r->left != 0 ? trace_ns(t, r->left) : ready;
  begin_line(out, r->waits ? "h," : "n,", r->id);
  field(out, begin);
  field(out, end - begin);
  field(out, begin - ready);
  field(out, ready > left ? ready - left : 0);
  field(out, r->where_left);
  field(out, r->where);
  out_text(out, ",");
  out_quoted(out, texts_get(&t->names, r->name));
  out_text(out, "\n");
}

static void at(Trace *t, const char *kind, const Record *r, uint64_t ticks) {
  begin_line(&t->out, kind, r->id);
  field(&t->out, trace_ns(t, ticks));
}

static void record(Trace *t, const Record *r) {
  bool counts = r->kind == RECORD_TURN || r->kind == RECORD_EVENT || r->kind == RECORD_MARK;
  if (counts && t->turns == TURNS_MOST) {
    t->left_out++;
    return;
  }
  t->turns += counts;
  switch (r->kind) {
    case RECORD_TURN: turn(t, r); return;
    case RECORD_START: at(t, "s,", r, r->begin); break;
    case RECORD_END: at(t, "e,", r, r->end); break;
    case RECORD_EVENT:
      at(t, "x,", r, r->begin);
      field(&t->out, trace_ns(t, r->end) - trace_ns(t, r->begin));
      break;
    case RECORD_MARK: at(t, "m,", r, r->begin); break;
    default: return;
  }
  if (r->kind == RECORD_EVENT || r->kind == RECORD_MARK) {
    out_text(&t->out, ",");
    out_quoted(&t->out, texts_get(&t->names, r->name));
  }
  out_text(&t->out, "\n");
}

static void begin(Trace *t) { out_text(&t->out, page); }

static void end(Trace *t, uint64_t now_ns, uint64_t lost) {
  begin_line(&t->out, "z,", 0);
  field(&t->out, now_ns);
  field(&t->out, lost);
  field(&t->out, t->left_out);
  out_text(&t->out, "\n</script></body></html>\n");
}

const TraceFormat trace_html = {.begin = begin, .thread = thread, .place = place, .record = record, .end = end};
