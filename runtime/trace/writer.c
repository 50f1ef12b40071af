/* Taking, putting texts together, and writing. */
#include "runtime/trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"
#include "runtime/os/futex.h"
#include "runtime/os/helper.h"
#include "runtime/os/os.h"
#include "runtime/trace/open.h"

enum { BATCH = 512, WRITER_STACK = 256 * 1024, LONGEST_TEXT = 1024 };

#define LOOK_NS 20000000
#define LOOKS_QUIET 5 /* after so many looks what goes on is written again, though nothing has happened */

struct Writer {
  _Atomic uint32_t stop; /* [a] 1: write the rest and end; released by writer_stop, acquired by the thread */
  TraceRing *ring;       /* [i] */
  const TraceNow *now;   /* [i] */
  const Clock *clock;    /* [i] */
  pthread_t thread;      /* [i] */
  const TraceFormat *format; /* [i] */
  Trace trace;           /* the thread's, until it has ended */
  RecordKind text_kind;  /* the same: a text that is being put together */
  uint32_t text_id;
  size_t text_used;
  char text[LONGEST_TEXT];
  Record batch[BATCH];
  OpenWaits open;
};

const char *texts_get(const Texts *t, uint32_t id) { return id < t->room && t->at[id] != NULL ? t->at[id] : ""; }

uint64_t trace_ns(const Trace *t, uint64_t ticks) {
  return ticks > t->start ? (uint64_t)((double)(ticks - t->start) / t->ticks_per_ns) : 0;
}

void texts_set(Texts *t, uint32_t id, const char *text) {
  if (id >= t->room) {
    uint32_t room = t->room != 0 ? t->room : 64;
    while (room <= id) room *= 2;
    char **at = realloc(t->at, room * sizeof *at);
    if (at == NULL) return;
    memset(at + t->room, 0, (room - t->room) * sizeof *at);
    t->at = at;
    t->room = room;
  }
  free(t->at[id]);
  t->at[id] = text != NULL ? strdup(text) : NULL;
}

static void texts_fini(Texts *t) {
  for (uint32_t i = 0; i < t->room; i++) free(t->at[i]);
  free(t->at);
}

static void finish_text(Writer *w) {
  Trace *t = &w->trace;
  if (w->text_kind == RECORD_THREAD) {
    w->format->thread(t, w->text_id, w->text);
  } else if (w->text_kind == RECORD_NAME) {
    texts_set(&t->names, w->text_id, w->text);
  } else if (w->format->place != NULL) {
    w->format->place(t, w->text_id, w->text);
  } else {
    texts_set(&t->places, w->text_id, w->text);
  }
}

/* A piece of a text; one whose rest was lost is forgotten when the next begins. */
static void take_text(Writer *w, const Record *r) {
  if (w->text_kind != (RecordKind)r->kind || w->text_id != r->id) w->text_used = 0;
  w->text_kind = (RecordKind)r->kind;
  w->text_id = r->id;
  size_t n = strnlen(r->text, RECORD_TEXT);
  size_t room = sizeof w->text - 1 - w->text_used;
  memcpy(w->text + w->text_used, r->text, n < room ? n : room);
  w->text_used += n < room ? n : room;
  if (n == RECORD_TEXT) return;
  w->text[w->text_used] = '\0';
  finish_text(w);
  w->text_used = 0;
}

static void take_record(Writer *w, const Record *r) {
  w->format->record(&w->trace, r);
  open_note(&w->open, r);
}

static uint64_t take_some(Writer *w) {
  uint64_t n = trace_ring_take(w->ring, w->batch, BATCH);
  for (uint64_t i = 0; i < n; i++) {
    const Record *r = &w->batch[i];
    if (r->kind == RECORD_THREAD || r->kind == RECORD_LOCATION || r->kind == RECORD_NAME) take_text(w, r);
    else take_record(w, r);
    if (w->trace.out.used > OUT_ROOM / 2) out_flush(&w->trace.out);
  }
  return n;
}

static void write_open(Writer *w) {
  Record now;
  if (!trace_now_get(w->now, &now) || !out_begin_tail(&w->trace.out)) return;
  open_write(&w->open, &w->trace, w->format, &now, clock_ticks(w->clock));
  out_end_tail(&w->trace.out);
}

static void *writer_main(void *arg) {
  Writer *w = arg;
  os_name_thread("gilua-trace");
  for (unsigned quiet = 0;; quiet++) {
    /* acquire pairs with writer_stop; asked first: nothing is put after it, so an empty ring then is the end */
    bool last = atomic_load_explicit(&w->stop, memory_order_acquire) != 0;
    bool some = false;
    while (take_some(w) > 0) some = true;
    out_flush(&w->trace.out);
    if (last) return NULL;
    if (some || quiet % LOOKS_QUIET == 0) write_open(w);
    futex_wait(&w->stop, 0, clock_ns() + LOOK_NS);
  }
}

static const TraceFormat *format_of(const char *path) {
  size_t n = strlen(path);
  return n >= 5 && strcmp(path + n - 5, ".html") == 0 ? &trace_html : &trace_json;
}

static int close_file(Writer *w) {
  int err = w->trace.out.err;
  if (close(w->trace.out.fd) != 0 && err == 0) err = errno;
  texts_fini(&w->trace.places);
  texts_fini(&w->trace.names);
  texts_fini(&w->trace.threads);
  free(w);
  return err;
}

int writer_start(Writer **out, TraceRing *ring, const TraceNow *now, const char *path, const Clock *clock,
                 uint64_t start) {
  Writer *w = calloc(1, sizeof *w);
  if (w == NULL) return ENOMEM;
  w->ring = ring;
  w->now = now;
  w->clock = clock;
  w->format = format_of(path);
  w->trace.start = start;
  w->trace.ticks_per_ns = clock_ticks_per_ns(clock);
  /* a named pipe that nobody reads is an error, not a wait; one that is read slowly may make the writer wait */
  w->trace.out.fd = os_above_standard(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666));
  if (w->trace.out.fd < 0 || fcntl(w->trace.out.fd, F_SETFL, 0) != 0) {
    int err = errno;
    free(w);
    return err;
  }
  w->format->begin(&w->trace);
  out_flush(&w->trace.out);
  int err = w->trace.out.err;
  if (err == 0) err = os_start_helper(&w->thread, WRITER_STACK, writer_main, w);
  if (err == 0) *out = w;
  else close_file(w);
  return err;
}

int writer_stop(Writer *w, uint64_t now, uint64_t lost) {
  /* release: everything that was put comes before */
  atomic_store_explicit(&w->stop, 1, memory_order_release);
  futex_wake(&w->stop, 1);
  pthread_join(w->thread, NULL);
  w->format->end(&w->trace, trace_ns(&w->trace, now), lost);
  out_flush(&w->trace.out);
  return close_file(w);
}
