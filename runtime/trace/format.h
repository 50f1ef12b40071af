/* The two kinds of file, and what they are written with. */
#ifndef GILUA_RUNTIME_TRACE_FORMAT_H
#define GILUA_RUNTIME_TRACE_FORMAT_H

#include <stddef.h>
#include <sys/types.h>

#include "runtime/trace/ring.h"

enum { OUT_ROOM = 1 << 16 };

/* Where text goes; the writer's thread only. After an error everything is thrown away. */
typedef struct Out {
  int fd;
  int err; /* errno of the first write that failed, or 0 */
  size_t used;
  bool has_tail; /* behind `end` stands what the next write is to replace */
  off_t end;
  char room[OUT_ROOM];
} Out;

void out_text(Out *out, const char *text);
/* out_quoted writes text as the inside of a JSON string that may stand in a page's script element, too: UTF-8, with
 * U+FFFD for bytes that are none. */
void out_quoted(Out *out, const char *text);
void out_number(Out *out, uint64_t n);
/* out_flush writes what is there; at the ends of lines only. */
void out_flush(Out *out);
/* What is written between out_begin_tail and out_end_tail stands at the end of the file until something else is written.
 * false: the file cannot be changed, as a pipe. */
bool out_begin_tail(Out *out);
void out_end_tail(Out *out);

/* Texts by id, as they came. */
typedef struct Texts {
  char **at;
  uint32_t room;
} Texts;

/* texts_get returns the text of that id, or "". */
const char *texts_get(const Texts *t, uint32_t id);

/* texts_set gives an id a text, in place of what it had; NULL: none. Without memory it has none. */
void texts_set(Texts *t, uint32_t id, const char *text);

/* Tracks have ids from here on, threads lie below. */
enum { FIRST_TRACK = 1 << 30 };

/* What a format may ask: times in nanoseconds since the start. */
typedef struct Trace {
  Out out;
  Texts places, names, threads; /* places and threads: for the format that keeps them */
  uint64_t start;      /* ticks */
  double ticks_per_ns;
  uint64_t turns;      /* written, and tasks and marks */
  uint64_t left_out;   /* what the format does not take any more */
} Trace;

uint64_t trace_ns(const Trace *t, uint64_t ticks);

/* A kind of file. Each function writes whole lines. */
typedef struct TraceFormat {
  void (*begin)(Trace *t);
  void (*thread)(Trace *t, uint32_t id, const char *name); /* a thread, or another row */
  void (*place)(Trace *t, uint32_t id, const char *name);  /* a source line; NULL: not needed */
  void (*record)(Trace *t, const Record *r);               /* turn, start, end, event, mark */
  void (*end)(Trace *t, uint64_t now_ns, uint64_t lost);
} TraceFormat;

extern const TraceFormat trace_json, trace_html;

#endif
