/* The ring between a recording's producer and its writer: records of fixed size, one way, never blocking.
 *
 * One producer: whoever owns the interpreter lock. Every event that is recorded happens with the lock or in handing it
 * over, so the lock itself makes all threads one producer; a ring a thread would cost memory a thread, and merging.
 * One consumer: the writer's thread, or whoever stops it, after it has ended.
 *
 *   head   [a] records ever put; written by the producer, released; acquired by the consumer
 *   tail   [a] records ever taken; written by the consumer, released: its reads of the slots come before; acquired by the
 *          producer, which may then write those slots again
 * Slot i is record number i modulo the capacity. 0 <= head - tail <= capacity (ring_sane).
 * Full      the record is dropped and counted: a recording may miss something, but never stops a program.
 */
#ifndef GILUA_RUNTIME_TRACE_RING_H
#define GILUA_RUNTIME_TRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum RecordKind {
  RECORD_TURN,     /* a thread had the lock */
  RECORD_THREAD,   /* the name of thread or track `id`, or a piece of it */
  RECORD_LOCATION, /* the same of a source line */
  RECORD_NAME,     /* the same of the name of events */
  RECORD_START,    /* thread `id` exists since `begin`; its next_name, next_waits and where as of a turn's end */
  RECORD_END,      /* thread `id` has ended at `end` */
  RECORD_EVENT,    /* `name` on track `id`, or as a task of thread `id`, begin to end */
  RECORD_MARK,     /* the same at one time, of thread `id` */
} RecordKind;

enum { RECORD_TEXT = 56, TURN_GOES_ON = 255 /* as Record.how */ };

/* One record: a cache line. Times are ticks. */
typedef struct Record {
  uint8_t kind;
  uint8_t how; /* turn: GilHow at its end, or TURN_GOES_ON */
  uint16_t name; /* id of a name. Turn: for what it left the lock before, 0: native code without a name, or nothing */
  uint32_t id; /* ident of the thread or track; id of the text */
  union {
    struct {
      uint32_t where_left; /* location where the thread left the lock before */
      uint32_t where;      /* location at the end of the turn */
      uint64_t left;       /* when it left the lock before, 0: it is new */
      uint64_t ready;      /* since when it stood in line */
      uint64_t begin, end; /* of the turn */
      bool waits;          /* from left to ready it waited; else it did native work */
      bool next_waits;     /* turn: the same of what it left the lock for at its end */
      uint16_t next_name;
    };
    char text[RECORD_TEXT]; /* up to its end or the first 0; consecutive pieces of one id belong together */
  };
} Record;

_Static_assert(sizeof(Record) == 64, "a record is a cache line");

typedef struct TraceRing {
  _Alignas(64) _Atomic uint64_t head;
  uint64_t lost; /* the producer's: records dropped */
  _Alignas(64) _Atomic uint64_t tail;
  Record *slots;     /* constant after init */
  uint64_t capacity; /* the same; a power of two */
} TraceRing;

/* What is true now and not in the ring yet, for who reads a file whose program was killed: the turn that goes on, or that
 * may go on still. One writer, who owns the interpreter lock, one reader. Odd: it is being written. */
typedef struct TraceNow {
  _Atomic uint64_t version; /* [a] released after the words were written, acquired before they are read */
  _Atomic uint64_t words[sizeof(Record) / sizeof(uint64_t)]; /* [a] released, acquired */
} TraceNow;

/* trace_now_set says what is true; trace_now_get reads it, false when it is just being changed. */
void trace_now_set(TraceNow *now, const Record *record);
bool trace_now_get(const TraceNow *now, Record *record);

/* trace_ring_init makes an empty ring; capacity is a power of two. False without memory. */
bool trace_ring_init(TraceRing *r, uint64_t capacity);
void trace_ring_fini(TraceRing *r);

/* trace_ring_put adds a record, or counts it as lost when the ring is full. The producer only. */
static inline bool trace_ring_put(TraceRing *r, const Record *record) {
  uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed); /* mine */
  /* acquire pairs with trace_ring_take: the slot was read before it is written again */
  if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == r->capacity) {
    r->lost++;
    return false;
  }
  r->slots[head & (r->capacity - 1)] = *record;
  atomic_store_explicit(&r->head, head + 1, memory_order_release);
  return true;
}

/* trace_ring_take moves up to n records to out and returns how many. The consumer only. */
uint64_t trace_ring_take(TraceRing *r, Record *out, uint64_t n);

#endif
