/* Typed arrays outside the Lua heap: memory that native code may use without the lock.
 *
 *   Buffer *b = buffer_check(L, 1);
 *   double *data = buffer_pin(b);              stays where it is, whatever other threads do
 *   blocking_begin(ts, "my work");  …  blocking_end(ts);
 *   buffer_unpin(b);                           before anything that may raise
 *
 *            buffer_pin     buffer_unpin     free, resize                   collected
 *   idle     pinned (1)     misuse           done                           memory released
 *   pinned   one more       one less         error: in use                  cannot be: the pinner keeps it reachable
 *   freed    error          misuse           free: nothing; resize: error   nothing left to do
 *
 * Elements are plain memory: two threads that write the same element without the lock race, as in C, but nothing else
 * breaks.
 */
#ifndef GILUA_RUNTIME_NATIVE_BUFFER_H
#define GILUA_RUNTIME_NATIVE_BUFFER_H

#include <stdint.h>

#include "runtime/state/object.h"

typedef enum BufferType { BUFFER_F64, BUFFER_F32, BUFFER_I64, BUFFER_I32, BUFFER_U8, BUFFER_TYPES } BufferType;

/* Gives back foreign memory; called under the lock, perhaps in a finalizer: it must not raise. */
typedef void (*BufferRelease)(void *owner, void *data, size_t nbytes);

typedef struct Buffer {
  ObjectHead head;
  void *data;            /* [G] constant while pinned; NULL when freed, or empty */
  size_t length;         /* [G] elements; constant while pinned */
  BufferType type;       /* [i] */
  bool freed;            /* [G] */
  bool writable;         /* [i] */
  unsigned pins;         /* [G] */
  BufferRelease release; /* [i] foreign memory; NULL: ours, from malloc */
  void *owner;           /* [i] for release */
} Buffer;

/* User values: the buffer that a view looks into; what ctypes stored in the memory (pointer.h) */
enum { BUFFER_PARENT = 1, BUFFER_KEEPS, BUFFER_VALUES = BUFFER_KEEPS };

extern const ObjectType buffer_type;

/* What each type is called and how many bytes an element has. */
extern const char *const buffer_type_names[BUFFER_TYPES + 1];
extern const uint8_t buffer_item_sizes[BUFFER_TYPES];

static inline size_t buffer_nbytes(const Buffer *b) { return b->length * buffer_item_sizes[b->type]; }

/* buffer_open makes the metatable, and the account that the collector is told from; once a state, or more often. */
void buffer_open(lua_State *L);
void buffer_open_account(lua_State *L);

/* buffer_new pushes a zeroed buffer of n elements. Raises when memory is missing. May run a step of the collector,
 * which is told of the memory. */
Buffer *buffer_new(lua_State *L, BufferType type, size_t n);

/* buffer_adopt pushes a buffer of n elements over memory of somebody else, which it gives back by release(owner, data,
 * bytes) when it is freed or collected; such a buffer cannot be resized. If pushing raises, release is not called.
 * buffer_adopt_malloc takes over memory that came from malloc. */
Buffer *buffer_adopt(lua_State *L, BufferType type, size_t n, void *data, BufferRelease release, void *owner);
Buffer *buffer_adopt_malloc(lua_State *L, BufferType type, size_t n, void *data);

/* buffer_view pushes a buffer over elements first … first + n - 1 (from 0) of the one at index i, which is pinned for
 * as long as the view exists. Raises when they are not there any more. */
Buffer *buffer_view(lua_State *L, int i, size_t first, size_t n);

/* buffer_root is the buffer whose memory b, perhaps a view of a view, looks into; *first, from 0, is where b begins in it. */
Buffer *buffer_root(Buffer *b, size_t *first);

/* buffer_test returns the buffer at index i, or NULL; buffer_check raises an argument error, also for a freed one. */
static inline Buffer *buffer_test(lua_State *L, int i) { return object_test(L, i, &buffer_type); }
Buffer *buffer_check(lua_State *L, int i);

/* buffer_pin keeps the memory where it is until buffer_unpin, and returns it. Both need the lock; they count. The
 * caller keeps the buffer reachable meanwhile (on its stack) and unpins before anything that may raise. */
void *buffer_pin(Buffer *b);
void buffer_unpin(Buffer *b);

/* buffer_resize gives b n elements; new ones are zero. buffer_free gives the memory back. Return NULL, or why not. */
const char *buffer_resize(lua_State *L, Buffer *b, size_t n);
const char *buffer_free(lua_State *L, Buffer *b);

/* What is raised when a finalizer freed or resized a buffer amid a call: whoever allocates looks at the buffer after. */
extern const char buffer_changed[];

/* buffer_push_bytes pushes a string of n bytes of memory that others may write meanwhile: lua_pushlstring reads a short
 * one twice, for its hash and for the string, and two strings of the same bytes would then differ. */
void buffer_push_bytes(lua_State *L, const void *bytes, size_t n);

/* buffer_get pushes element i (from 0); buffer_set stores the value at stack index v there, and raises an error when it
 * does not fit. The index has been checked. */
void buffer_get(lua_State *L, const Buffer *b, size_t i);
void buffer_set(lua_State *L, Buffer *b, size_t i, int v);

/* buffer_convert copies n elements between memory of any two types; the ranges may overlap when the types are equal.
 * Returns false, perhaps half done, when a value does not fit. */
bool buffer_convert(void *to, BufferType to_type, const void *from, BufferType from_type, size_t n);

#endif
