/* Chrome's trace event format, as an array: one event a line, a comma before each but the first, so that what was written
 * when the program was killed lacks nothing but the closing bracket, which readers do not ask for.
 *
 * Events of one tid must nest, which a task and the turns in it do not: the tasks of a thread have a tid of their own.
 *
 * Source: "Trace Event Format", Google; read by Perfetto and chrome://tracing. ts and dur are microseconds.
 */
#include "runtime/trace/format.h"

enum { TASKS_OF = 1 << 29 }; /* + a thread's id: the tid of its tasks */

/* Microseconds with three decimals: a duration, or a fourth for a time. */
static void out_us(Out *out, uint64_t ns) {
  out_number(out, ns / 1000);
  char rest[] = {'.', (char)('0' + ns / 100 % 10), (char)('0' + ns / 10 % 10), (char)('0' + ns % 10), '\0'};
  out_text(out, rest);
}

/* Viewers multiply by 1000 and cut what is behind the point; 0.1 ns lift a time above the error of binary fractions, or
 * an event would seem to begin before the end of the one before it. A duration may be cut. */
static void out_time(Out *out, uint64_t ns) {
  out_us(out, ns);
  out_text(out, "1");
}

static void begin_event(Out *out, const char *phase, const char *name, const char *category, uint32_t tid) {
  out_text(out, ",\n{\"ph\":\"");
  out_text(out, phase);
  out_text(out, "\",\"name\":\"");
  out_quoted(out, name);
  if (category != NULL) {
    out_text(out, "\",\"cat\":\"");
    out_text(out, category);
  }
  out_text(out, "\",\"pid\":1,\"tid\":");
  out_number(out, tid);
}

static void span(Trace *t, const char *name, const char *category, const char *colour, uint32_t tid, uint64_t from,
                 uint64_t to, uint32_t where) {
  Out *out = &t->out;
  if (to <= from) return;
  begin_event(out, "X", name, category, tid);
  out_text(out, ",\"ts\":");
  out_time(out, from);
  out_text(out, ",\"dur\":");
  out_us(out, to - from);
  if (colour != NULL) {
    out_text(out, ",\"cname\":\"");
    out_text(out, colour);
    out_text(out, "\"");
  }
  if (where != 0) {
    out_text(out, ",\"args\":{\"at\":\"");
    out_quoted(out, texts_get(&t->places, where));
    out_text(out, "\"}");
  }
  out_text(out, "}");
}

static void instant(Trace *t, const char *name, uint32_t tid, uint64_t at) {
  begin_event(&t->out, "i", name, "life", tid);
  out_text(&t->out, ",\"s\":\"t\",\"ts\":");
  out_time(&t->out, trace_ns(t, at));
  out_text(&t->out, "}");
}

static void turn(Trace *t, const Record *r) {
  uint64_t ready = trace_ns(t, r->ready), begin = trace_ns(t, r->begin), end = trace_ns(t, r->end);
  if (r->left != 0) {
    uint64_t left = trace_ns(t, r->left);
    const char *what = texts_get(&t->names, r->name);
    span(t, *what != '\0' ? what : "native code", r->waits ? "blocked" : "native",
         r->waits ? "thread_state_sleeping" : "thread_state_iowait", r->id, left, ready, r->where_left);
  }
  span(t, "waits for the lock", "ready", "thread_state_runnable", r->id, ready, begin, r->where_left);
  span(t, "has the lock", "held", "thread_state_running", r->id, begin, end, r->where);
  t->turns++;
}

static void thread_name(Trace *t, uint32_t tid, const char *prefix, const char *name) {
  begin_event(&t->out, "M", "thread_name", NULL, tid);
  out_text(&t->out, ",\"args\":{\"name\":\"");
  out_text(&t->out, prefix);
  out_quoted(&t->out, name);
  out_text(&t->out, "\"}}");
}

static void thread(Trace *t, uint32_t id, const char *name) {
  thread_name(t, id, "", name);
  if (id < FIRST_TRACK) texts_set(&t->threads, id, name);
}

/* The row of a thread's tasks is named with the first of them. */
static void event(Trace *t, const Record *r) {
  uint32_t tid = r->id < FIRST_TRACK ? TASKS_OF + r->id : r->id;
  if (r->id < FIRST_TRACK && *texts_get(&t->threads, r->id) != '\0') {
    thread_name(t, tid, "tasks of ", texts_get(&t->threads, r->id));
    texts_set(&t->threads, r->id, NULL);
  }
  const char *name = texts_get(&t->names, r->name);
  span(t, *name != '\0' ? name : "task", "task", NULL, tid, trace_ns(t, r->begin), trace_ns(t, r->end), 0);
}

static void ended(Trace *t, const Record *r) {
  instant(t, "end", r->id, r->end);
  texts_set(&t->threads, r->id, NULL);
}

static void record(Trace *t, const Record *r) {
  switch (r->kind) {
    case RECORD_TURN: turn(t, r); break;
    case RECORD_START: instant(t, "start", r->id, r->begin); break;
    case RECORD_END: ended(t, r); break;
    case RECORD_MARK: instant(t, texts_get(&t->names, r->name), r->id, r->begin); break;
    case RECORD_EVENT: event(t, r); break;
    default: break;
  }
}

static void begin(Trace *t) {
  out_text(&t->out, "[{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"tid\":0,\"args\":{\"name\":\"gilua\"}}");
}

static void end(Trace *t, uint64_t now_ns, uint64_t lost) {
  begin_event(&t->out, "i", lost == 0 ? "end of the recording" : "end of the recording; some events are missing", "life", 1);
  out_text(&t->out, ",\"s\":\"g\",\"ts\":");
  out_time(&t->out, now_ns);
  out_text(&t->out, ",\"args\":{\"lost\":");
  out_number(&t->out, lost);
  out_text(&t->out, "}}\n]\n");
}

const TraceFormat trace_json = {.begin = begin, .thread = thread, .record = record, .end = end};
