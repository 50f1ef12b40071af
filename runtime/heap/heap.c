/* Layout: segments of 1 MiB hold pages of 64 KiB, aligned to their size. A page has blocks of one class; its header
 * stands at one of 32 offsets, by address, or all headers would fall into the same few cache sets. Blocks over LARGEST
 * bytes come from malloc.
 *
 * A page is in the list of its class while it has a free block ("open"), in the pool of its segment when it has no block
 * at all. A segment whose pages are all in the pool goes back to the system, unless few pages are left or until malloc
 * needs the room. All fields are guarded by the interpreter lock.
 */
#include "runtime/heap/heap.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/os/memory.h"

enum {
  PAGE = 64 * 1024,
  SEGMENT_PAGES = 16,
  MAPPED = (SEGMENT_PAGES + 1) * PAGE, /* one page more, to align the others */
  LINE = 64,
  COLOURS = 32,
  HEADER_PART = 4096, /* the system's page with the header */
  FINE = 128,    /* up to here classes are 8 bytes apart, then 32 */
  LARGEST = 1024,
  CLASSES = FINE / 8 + (LARGEST - FINE) / 32 + 1,
  KEPT_POOL = 64 /* empty pages that keep their memory */
};

typedef struct Block {
  struct Block *next;
} Block;

typedef struct Segment Segment;

typedef struct HeapPage {
  Segment *segment;
  Block *free;      /* given back */
  char *fresh;      /* never handed out yet: from here to end */
  char *end;
  uint32_t used;    /* blocks handed out */
  uint32_t class;
  bool open;        /* in the list of its class */
  struct HeapPage *next, *prev; /* that list, or the pool (next only) */
} HeapPage;

struct Segment {
  Segment *next, *prev;
  char *start;       /* of the mapping */
  HeapPage *pool;    /* its pages without blocks */
  unsigned pooled;
};

struct Heap {
  HeapPage *open[CLASSES];
  uint8_t class_of[LARGEST / 8 + 1]; /* by size / 8, rounded up */
  uint16_t size_of[CLASSES];
  Segment *roomy, *full; /* segments with pages in their pool, and without */
  unsigned pooled;       /* pages in the pools of all segments */
  size_t bytes, limit;
};

Heap *heap_new(size_t limit) {
  /* cache lines of its own: runtimes that allocate side by side must not share one */
  Heap *h = aligned_alloc(LINE, (sizeof *h + LINE - 1) / LINE * LINE);
  if (h == NULL) return NULL;
  memset(h, 0, sizeof *h);
  h->limit = limit != 0 ? limit : SIZE_MAX;
  for (unsigned i = 0; i <= LARGEST / 8; i++) {
    size_t size = 8 * i;
    unsigned c = size <= FINE ? i : FINE / 8 + (unsigned)(size - FINE + 31) / 32;
    h->class_of[i] = (uint8_t)c;
    h->size_of[c] = (uint16_t)(size <= FINE ? size : FINE + (c - FINE / 8) * 32);
  }
  return h;
}

static void unmap_all(Segment *list) {
  for (Segment *s = list, *next; s != NULL; s = next) {
    next = s->next;
    munmap(s->start, MAPPED);
    free(s);
  }
}

void heap_free(Heap *h) {
  unmap_all(h->roomy);
  unmap_all(h->full);
  free(h);
}

void heap_set_limit(Heap *h, size_t limit) { h->limit = limit == 0 ? SIZE_MAX : limit > h->bytes ? limit : h->bytes; }

void heap_seal(Heap *h) {
  for (unsigned c = 0; c < CLASSES; c++) {
    for (HeapPage *p = h->open[c]; p != NULL; p = p->next) p->open = false;
    h->open[c] = NULL;
  }
}

size_t heap_bytes(const Heap *h) { return h->bytes; }

static HeapPage *header_at(char *start) {
  return (HeapPage *)(start + ((uintptr_t)start / PAGE) % COLOURS * LINE);
}

static HeapPage *page_of(void *block) { return header_at((char *)((uintptr_t)block & ~(uintptr_t)(PAGE - 1))); }

static void link_segment(Segment **list, Segment *s) {
  s->prev = NULL;
  s->next = *list;
  if (s->next != NULL) s->next->prev = s;
  *list = s;
}

static void unlink_segment(Segment **list, Segment *s) {
  if (s->next != NULL) s->next->prev = s->prev;
  if (s->prev != NULL) s->prev->next = s->next;
  else *list = s->next;
}

static void pool_page(Heap *h, HeapPage *p) {
  Segment *s = p->segment;
  p->next = s->pool;
  s->pool = p;
  h->pooled++;
  if (s->pooled++ > 0) return;
  unlink_segment(&h->full, s);
  link_segment(&h->roomy, s);
}

static void free_segment(Heap *h, Segment *s) {
  unlink_segment(&h->roomy, s);
  h->pooled -= s->pooled;
  munmap(s->start, MAPPED);
  free(s);
}

/* Gives back every segment without blocks. */
static void trim(Heap *h) {
  for (Segment *s = h->roomy, *next; s != NULL; s = next) {
    next = s->next;
    if (s->pooled == SEGMENT_PAGES) free_segment(h, s);
  }
}

static bool add_segment(Heap *h) {
  Segment *s = calloc(1, sizeof *s);
  if (s == NULL) return false;
  s->start = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (s->start == MAP_FAILED) {
    free(s);
    return false;
  }
  link_segment(&h->full, s);
  char *first = (char *)(((uintptr_t)s->start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
  for (int i = SEGMENT_PAGES - 1; i >= 0; i--) {
    HeapPage *p = header_at(first + (size_t)i * PAGE);
    p->segment = s;
    pool_page(h, p);
  }
  return true;
}

/* A page out of a pool; NULL without memory. */
static HeapPage *take_page(Heap *h) {
  if (h->roomy == NULL && !add_segment(h)) return NULL;
  Segment *s = h->roomy;
  HeapPage *p = s->pool;
  s->pool = p->next;
  h->pooled--;
  if (--s->pooled == 0) {
    unlink_segment(&h->roomy, s);
    link_segment(&h->full, s);
  }
  return p;
}

static void open_page(Heap *h, HeapPage *p) {
  HeapPage **list = &h->open[p->class];
  p->open = true;
  p->prev = NULL;
  p->next = *list;
  if (p->next != NULL) p->next->prev = p;
  *list = p;
}

static void close_page(Heap *h, HeapPage *p) {
  p->open = false;
  if (p->next != NULL) p->next->prev = p->prev;
  if (p->prev != NULL) p->prev->next = p->next;
  else h->open[p->class] = p->next;
}

/* An empty page for blocks of a class, opened. */
static HeapPage *new_page(Heap *h, unsigned class) {
  HeapPage *p = take_page(h);
  if (p == NULL) return NULL;
  char *start = (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
  char *first = (char *)(p + 1);
  size_t size = h->size_of[class];
  *p = (HeapPage){.segment = p->segment, .fresh = first, .class = class};
  p->end = first + (size_t)(start + PAGE - first) / size * size;
  open_page(h, p);
  return p;
}

static void *take_block(Heap *h, unsigned class) {
  HeapPage *p = h->open[class];
  if (p == NULL && (p = new_page(h, class)) == NULL) return NULL;
  void *block = p->free;
  if (block != NULL) {
    p->free = p->free->next;
  } else {
    block = p->fresh;
    p->fresh += h->size_of[class];
  }
  p->used++;
  if (p->free == NULL && p->fresh == p->end) close_page(h, p);
  return block;
}

/* The page has no block left. The first of a class stays open, so that a block to and fro does not move pages. */
static void retire_page(Heap *h, HeapPage *p) {
  if (h->open[p->class] == p && p->next == NULL) return;
  close_page(h, p);
  pool_page(h, p);
  if (h->pooled <= KEPT_POOL) return;
  if (p->segment->pooled == SEGMENT_PAGES) {
    free_segment(h, p->segment);
  } else {
    char *start = (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
    madvise(start + HEADER_PART, PAGE - HEADER_PART, MADV_DONTNEED);
  }
}

static void put_block(Heap *h, void *block) {
  HeapPage *p = page_of(block);
  Block *b = block;
  b->next = p->free;
  p->free = b;
  p->used--;
  if (!p->open) open_page(h, p);
  else if (p->used == 0) retire_page(h, p);
}

/* malloc or realloc, which may need the room of our empty segments. */
static void *large(Heap *h, void *block, size_t size) {
  void *result = realloc(block, size);
  if (result == NULL && h->pooled >= SEGMENT_PAGES) {
    trim(h);
    result = realloc(block, size);
  }
  os_large_block(result, size);
  return result;
}

static void *allocate(Heap *h, size_t size) {
  return HEAP_PLAIN || size > LARGEST ? large(h, NULL, size) : take_block(h, h->class_of[(size + 7) / 8]);
}

static void release(Heap *h, void *block, size_t size) {
  if (HEAP_PLAIN || size > LARGEST) free(block);
  else put_block(h, block);
}

static void *resize(Heap *h, void *block, size_t old_size, size_t new_size) {
  if (HEAP_PLAIN || (old_size > LARGEST && new_size > LARGEST)) return large(h, block, new_size);
  if (old_size <= LARGEST && new_size <= LARGEST && h->class_of[(old_size + 7) / 8] == h->class_of[(new_size + 7) / 8])
    return block;
  void *moved = allocate(h, new_size);
  if (moved == NULL) return NULL;
  memcpy(moved, block, old_size < new_size ? old_size : new_size);
  release(h, block, old_size);
  return moved;
}

void *heap_alloc(void *ud, void *block, size_t old_size, size_t new_size) {
  Heap *h = ud;
  if (block == NULL) old_size = 0; /* Lua passes the kind of object there */
  if (new_size == 0) {
    if (block != NULL) release(h, block, old_size);
    h->bytes -= old_size;
    return NULL;
  }
  if (new_size > old_size && new_size - old_size > h->limit - h->bytes) return NULL;
  void *result = block == NULL ? allocate(h, new_size) : resize(h, block, old_size, new_size);
  if (result != NULL) h->bytes += new_size - old_size;
  return result;
}

static bool page_sane(const Heap *h, const HeapPage *p) {
  size_t size = h->size_of[p->class], free_blocks = 0;
  for (const Block *b = p->free; b != NULL; b = b->next) free_blocks++;
  size_t touched = (size_t)(p->fresh - (const char *)(p + 1)) / size;
  return p->used + free_blocks == touched && p->open == (p->free != NULL || p->fresh != p->end);
}

bool heap_sane(const Heap *h) {
  for (unsigned c = 0; c < CLASSES; c++)
    for (const HeapPage *p = h->open[c]; p != NULL; p = p->next)
      if (p->class != c || !page_sane(h, p)) return false;
  return h->bytes <= h->limit;
}
