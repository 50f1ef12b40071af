/* What the parent and its workers share: for each worker two rings and the slots of the tasks on their way to it.
 *
 * States of a slot, which one task occupies from when it is written into the ring:
 *
 *   FREE -> QUEUED     parent: the record is about to be written
 *   QUEUED -> BEGUN    worker: it has read the head of the record, and now reads its first byte
 *   QUEUED -> TAKEN    parent: cancelled, or taken back for another worker; the worker drops the bytes
 *   TAKEN -> FREE      worker: the bytes are dropped
 *   BEGUN -> ENDED     worker: the task has returned; its result will be written whole, unless the worker dies
 *   BEGUN -> KILLED    parent: this worker is about to be killed, for this task; it waits for that
 *   ENDED -> FREE      parent: the result was read
 *
 * Every transition out of QUEUED and BEGUN is a compare-exchange on the whole word, which also holds the number of the
 * task: so a cancel and a time-out hit the task that they mean or none. When a worker has died, BEGUN, KILLED and ENDED
 * without a whole result is the task that it ran; QUEUED were not begun and go to others.
 */
#ifndef GILUA_POOL_PROCESS_SHARED_H
#define GILUA_POOL_PROCESS_SHARED_H

#include "pool/process/ring.h"

enum {
  SLOTS = 64, /* tasks on their way to one worker, at most; a power of two */
  SLOT_BITS = 3
};

typedef enum SlotState { SLOT_FREE, SLOT_QUEUED, SLOT_BEGUN, SLOT_ENDED, SLOT_TAKEN, SLOT_KILLED } SlotState;

typedef struct Slot {
  _Atomic uint64_t word;    /* [a] task number << SLOT_BITS | state; seq_cst */
  _Atomic int64_t began_ns; /* [a] when it was begun, CLOCK_MONOTONIC; relaxed, written before BEGUN */
} Slot;

/* One worker's part. Zeroed before a worker is born into it. */
typedef struct WorkerShared {
  _Alignas(64) _Atomic uint32_t asleep;      /* [a] 1: the worker sleeps on this word; who makes it 0 wakes it */
  _Atomic uint32_t counted;             /* [a] the worker is in PoolShared.awake; relaxed */
  _Atomic uint32_t parent_wants_room;        /* [a] the parent has more to write than there was room for */
  Slot slots[SLOTS];
  ByteRing tasks, results;
} WorkerShared;

/* What all of them share. */
typedef struct PoolShared {
  _Alignas(64) _Atomic uint32_t parent_asleep; /* [a] the parent sleeps in poll; who makes it 0 writes the eventfd */
  _Alignas(64) _Atomic uint32_t awake;         /* [a] workers that are not asleep: how many may still spin; relaxed */
  _Alignas(64) WorkerShared workers[];
} PoolShared;

/* The head of a record, in both directions. */
typedef struct Record {
  uint16_t kind;  /* RecordKind */
  uint16_t extra; /* results: so many files, ints, behind the bytes: result_files.h; calls: so many StringPlaces before them */
  uint32_t slot; /* of the task */
  uint64_t id;   /* of the task, or of the code that is defined */
  uint64_t size; /* bytes that follow */
  int64_t ns;    /* results: how long the task ran */
} Record;

/* A long string in the bytes of a call: its reader wants to know where before it comes. */
typedef struct StringPlace {
  uint64_t at, size;
} StringPlace;

typedef enum RecordKind {
  /* parent to worker */
  RECORD_CALL = 1, /* function, arguments */
  RECORD_DEFINE,   /* bytecode */
  RECORD_FORGET,   /* all bytecode */
  RECORD_INIT,     /* as RECORD_CALL, but what the function returns goes nowhere */
  /* worker to parent */
  RECORD_VALUES, /* what the function returned */
  RECORD_ERROR   /* error, traceback */
} RecordKind;

/* slot_move makes the transition for task id; false if the slot is not in the state `from` for that task. */
bool slot_move(Slot *slot, uint64_t id, SlotState from, SlotState to);

/* slot_set puts a slot into a state that nobody contends. */
void slot_set(Slot *slot, uint64_t id, SlotState state);

/* slot_state is the state for task id; SLOT_FREE if the slot is another task's. */
SlotState slot_state(const Slot *slot, uint64_t id);

/* shared_size is the bytes of a mapping for n workers. */
size_t shared_size(unsigned n);

#endif
