/* See arena.h.
 *
 * The list of arenas is static because a mapping is of the process, whichever runtime asked for it first. It only grows.
 */
#include "runtime/shared/arena.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/os/descriptors.h"
#include "runtime/os/memory.h"

static _Atomic(Arena *) arenas;    /* [a] release; seq_cst exchange */
static ArenaSweep *_Atomic sweeper; /* [a] relaxed: set before any arena is used */

static const uint64_t arena_magic = 0x31616e6572612067;
static const uint64_t idle_most = 64 << 20; /* bytes of free extents that keep their pages */

enum { PAGE_CLASS = 12, LEAST_SIZE = 16 << 20, MOST_EXTENTS = 1 << 20, EXTENT_SHARE = 4096 };

void arena_on_sweep(ArenaSweep *sweep) { atomic_store_explicit(&sweeper, sweep, memory_order_relaxed); }

Arena *arena_first(void) { return atomic_load_explicit(&arenas, memory_order_acquire); }

static size_t table_end(uint32_t most) {
  size_t end = sizeof(ArenaHead) + (size_t)(most + 1) * sizeof(Extent);
  return (end + 4095) & ~(size_t)4095;
}

/* Takes over fd, also when it fails: NULL with errno. */
static Arena *map(int fd, size_t size) {
  Arena *a = calloc(1, sizeof *a);
  void *p = a == NULL ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (p == MAP_FAILED) goto fail;
  a->head = p;
  a->fd = fd;
  a->zygote = -1;
  a->extents = (Extent *)((char *)p + sizeof(ArenaHead));
  uint32_t most = a->head->most != 0 ? a->head->most : MOST_EXTENTS;
  a->handles = mmap(NULL, (size_t)(most + 1) * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (a->handles != MAP_FAILED) return a;
  munmap(p, size);
fail:;
  int err = a == NULL ? ENOMEM : errno;
  free(a);
  close(fd);
  errno = err;
  return NULL;
}

static Arena *list(Arena *a) {
  a->next = arena_first();
  while (!atomic_compare_exchange_weak(&arenas, &a->next, a)) continue;
  return a;
}

static size_t wanted_size(void) {
  struct rlimit files;
  size_t size = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
  if (getrlimit(RLIMIT_FSIZE, &files) == 0 && files.rlim_cur < size) size = files.rlim_cur; /* else SIGXFSZ */
  return size & ~(size_t)4095;
}

static Arena *make(size_t size) {
  int fd = os_memory_file("gilua.shared", size);
  if (fd < 0) return NULL;
  Arena *a = map(fd, size);
  if (a == NULL) return NULL;
  ArenaHead *h = a->head;
  size_t most = size / EXTENT_SHARE;
  h->magic = arena_magic;
  h->size = size;
  h->most = most < MOST_EXTENTS ? (uint32_t)most : MOST_EXTENTS;
  if (getrandom(&h->nonce, sizeof h->nonce, GRND_NONBLOCK) != sizeof h->nonce) h->nonce = (uint64_t)clock_ns() ^ shared_self() << 8;
  h->nonce >>= 1; /* it travels as an integer */
  return list(a);
}

Arena *arena_own(void) {
  Arena *a = arena_first();
  while (a != NULL && a->next != NULL) a = a->next;
  errno = EFBIG; /* where the limit on the size of files is below the least */
  for (size_t size = wanted_size(); a == NULL && size >= LEAST_SIZE; size /= 2) {
    a = make(size & ~(size_t)4095); /* a limit of the address space may refuse the larger ones */
    if (a == NULL && errno != ENOMEM && errno != EFBIG && errno != EINVAL) break;
  }
  return a;
}

static Arena *attach(uint64_t nonce, int pid, int fd) {
  char path[64];
  struct stat st;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
  int mine = os_above_standard(open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (mine < 0) return NULL;
  ArenaHead head;
  if (fstat(mine, &st) != 0 || !S_ISREG(st.st_mode) || pread(mine, &head, sizeof head, 0) != sizeof head ||
      head.magic != arena_magic || head.nonce != nonce || head.size != (uint64_t)st.st_size ||
      table_end(head.most) > head.size) {
    close(mine);
    return NULL;
  }
  Arena *a = map(mine, head.size);
  return a != NULL ? list(a) : NULL;
}

Arena *arena_open(uint64_t nonce, int pid, int fd) {
  for (Arena *a = arena_first(); a != NULL; a = a->next)
    if (a->head->nonce == nonce) return a;
  return attach(nonce, pid, fd);
}

static void push_free(Arena *a, uint32_t i) {
  Extent *x = &a->extents[i];
  x->next = a->head->free[x->class];
  a->head->free[x->class] = i;
}

/* The lists may be in any state. */
static void recover(Arena *a) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  for (int i = 0; i < EXTENT_CLASSES; i++) a->head->free[i] = 0;
  for (uint32_t i = 1; i <= n; i++)
    if (atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) == 0) push_free(a, i);
}

static void run_later(Arena *a) {
  ArenaLater *l = atomic_exchange_explicit(&a->later, NULL, memory_order_acq_rel);
  for (ArenaLater *next; l != NULL; l = next) {
    next = l->next;
    l->run(a, l);
  }
}

bool arena_enter(Arena *a, int64_t deadline, const atomic_bool *stop) {
  GuardResult result = guard_wait(&a->head->guard, deadline, stop);
  if (result == GUARD_BUSY) return false;
  if (result == GUARD_ABANDONED) recover(a);
  if (arena_has_later(a)) run_later(a);
  return true;
}

bool arena_try(Arena *a) {
  if (!guard_try(&a->head->guard)) return false;
  if (arena_has_later(a)) run_later(a);
  return true;
}

void arena_later(Arena *a, ArenaLater *l) {
  l->next = atomic_load_explicit(&a->later, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&a->later, &l->next, l, memory_order_release, memory_order_relaxed)) continue;
}

void arena_leave(Arena *a) { guard_leave(&a->head->guard); }

bool arena_member_alive(Arena *a, unsigned member) {
  const Member *m = &a->head->members[member];
  SharedId id = atomic_load_explicit(&m->id, memory_order_relaxed);
  SharedLife life;
  if (id == 0) return false;
  if (id == shared_self()) return true;
  return shared_life(id, &life) && life.id == id && (life.stack == 0 || m->stack == 0 || life.stack == m->stack);
}

static void free_extents_of(Arena *a, SharedId id) {
  uint32_t n = atomic_load_explicit(&a->head->count, memory_order_relaxed);
  for (uint32_t i = 1; i <= n; i++)
    if (atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) == id) arena_free(a, i);
}

void arena_sweep(Arena *a) {
  ArenaSweep *sweep = atomic_load_explicit(&sweeper, memory_order_relaxed);
  assert(guard_held(&a->head->guard));
  for (unsigned i = 0; i < MOST_MEMBERS; i++) {
    SharedId id = atomic_load_explicit(&a->head->members[i].id, memory_order_relaxed);
    if (id == 0 || arena_member_alive(a, i)) continue;
    free_extents_of(a, id);
    if (sweep != NULL) sweep(a, (int)i);
    atomic_store_explicit(&a->head->members[i].id, 0, memory_order_release);
  }
  if (sweep != NULL) sweep(a, -1);
}

bool arena_join(Arena *a) {
  SharedId self = shared_self();
  SharedLife life = {0};
  assert(guard_held(&a->head->guard));
  if (a->self == self) return true;
  arena_sweep(a);
  for (unsigned i = 0; i < MOST_MEMBERS; i++) {
    Member *m = &a->head->members[i];
    if (atomic_load_explicit(&m->id, memory_order_relaxed) != 0) continue;
    shared_life(self, &life);
    m->stack = life.stack;
    atomic_store_explicit(&m->id, self, memory_order_release);
    a->member = i;
    a->self = self;
    return true;
  }
  return false;
}

static uint32_t make_extent(Arena *a, unsigned class) {
  ArenaHead *h = a->head;
  uint32_t n = atomic_load_explicit(&h->count, memory_order_relaxed);
  uint64_t size = (uint64_t)1 << class, offset = table_end(h->most);
  if (n == h->most) return 0;
  if (n > 0) offset = a->extents[n].offset + ((uint64_t)1 << a->extents[n].class);
  if (class >= 12) offset = (offset + 4095) & ~(uint64_t)4095;
  else offset = (offset + size - 1) & ~(size - 1);
  if (offset > h->size || size > h->size - offset) return 0;
  Extent *x = &a->extents[n + 1];
  x->offset = offset;
  x->class = (uint8_t)class;
  x->next = 0;
  atomic_store_explicit(&x->owner, shared_self(), memory_order_relaxed);
  atomic_store_explicit(&h->count, n + 1, memory_order_release);
  return n + 1;
}

static uint32_t take_free(Arena *a, unsigned class) {
  ArenaHead *h = a->head;
  uint32_t i = h->free[class];
  if (i == 0) return 0;
  assert(atomic_load_explicit(&a->extents[i].owner, memory_order_relaxed) == 0);
  if (class >= PAGE_CLASS && h->idle >= (uint64_t)1 << class) h->idle -= (uint64_t)1 << class;
  atomic_store_explicit(&a->extents[i].owner, shared_self(), memory_order_release);
  h->free[class] = a->extents[i].next;
  return i;
}

/* What a process that died had, or else one that is larger: it costs the pages that are used of it. */
static uint32_t take_any(Arena *a, unsigned class) {
  uint32_t i = 0;
  arena_sweep(a);
  for (; i == 0 && class < EXTENT_CLASSES; class++) i = take_free(a, class);
  return i;
}

uint32_t arena_alloc(Arena *a, size_t size) {
  unsigned class = EXTENT_LEAST;
  assert(guard_held(&a->head->guard));
  while (class < EXTENT_CLASSES && (uint64_t)1 << class < size) class++;
  if (class == EXTENT_CLASSES) return 0;
  uint32_t i = take_free(a, class);
  if (i == 0) i = make_extent(a, class);
  return i != 0 ? i : take_any(a, class);
}

void arena_free(Arena *a, uint32_t i) {
  Extent *x = &a->extents[i];
  uint64_t size = (uint64_t)1 << x->class;
  assert(guard_held(&a->head->guard));
  if (x->class >= PAGE_CLASS) {
    if (a->head->idle + size > idle_most) madvise(arena_at(a, i), size, MADV_REMOVE);
    else a->head->idle += size;
  }
  atomic_store_explicit(&x->owner, 0, memory_order_release);
  push_free(a, i);
}

typedef struct LaterExtent {
  ArenaLater later;
  uint32_t index;
} LaterExtent;

/* A process that was forked meanwhile has a copy of the list: the extent is not its own. */
static void free_later(Arena *a, ArenaLater *l) {
  uint32_t index = ((LaterExtent *)l)->index;
  if (atomic_load_explicit(&a->extents[index].owner, memory_order_relaxed) == shared_self()) arena_free(a, index);
  free(l);
}

void arena_free_own(Arena *a, uint32_t index) {
  if (arena_try(a)) {
    arena_free(a, index);
    arena_leave(a);
    return;
  }
  LaterExtent *l = malloc(sizeof *l);
  if (l == NULL) return; /* this process's, until it ends */
  *l = (LaterExtent){.later.run = free_later, .index = index};
  arena_later(a, &l->later);
}
