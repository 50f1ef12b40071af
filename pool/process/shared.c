/* Slots of tasks on their way. */
#include "pool/process/shared.h"

static uint64_t word_of(uint64_t id, SlotState state) { return id << SLOT_BITS | state; }

bool slot_move(Slot *slot, uint64_t id, SlotState from, SlotState to) {
  uint64_t expected = word_of(id, from);
  return atomic_compare_exchange_strong(&slot->word, &expected, word_of(id, to));
}

void slot_set(Slot *slot, uint64_t id, SlotState state) { atomic_store(&slot->word, word_of(id, state)); }

SlotState slot_state(const Slot *slot, uint64_t id) {
  uint64_t word = atomic_load(&slot->word);
  return word >> SLOT_BITS == id ? (SlotState)(word & ((1u << SLOT_BITS) - 1)) : SLOT_FREE;
}

size_t shared_size(unsigned n) { return sizeof(PoolShared) + n * sizeof(WorkerShared); }
