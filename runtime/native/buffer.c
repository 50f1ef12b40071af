/* Making, pinning, resizing and freeing typed arrays, and telling the collector of them. */
#include "runtime/native/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/os/memory.h"
#include "runtime/state/release.h"

const char *const buffer_type_names[BUFFER_TYPES + 1] = {"f64", "f32", "i64", "i32", "u8", NULL};
const uint8_t buffer_item_sizes[BUFFER_TYPES] = {8, 4, 8, 4, 1};

/* What the collector does not see, per state. */
typedef struct Account {
  size_t live;  /* [G] bytes of all buffers */
  size_t since; /* [G] of these, bytes made since the collector was last told */
} Account;

static const char account_key; /* its address is the key in the registry */

/* Below this much new memory the collector is left alone. */
#define ACCOUNT_QUANTUM ((size_t)1 << 20)

static Account *account_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &account_key);
  Account *account = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return account;
}

/* Makes the collector work as if Lua had allocated these bytes; not where it stands still (stopped by the user, or in a
 * finalizer). Half of what is alive may be new before it runs, as with the collector's own pause. */
static void account_add(lua_State *L, size_t nbytes) {
  Account *account = account_of(L);
  account->live += nbytes;
  account->since += nbytes;
  if (account->since < ACCOUNT_QUANTUM || account->since < account->live / 2) return;
  size_t kilobytes = account->since >> 10;
  account->since = 0;
  if (lua_gc(L, LUA_GCISRUNNING) == 1) release_collect(L, kilobytes > 1 << 20 ? 1 << 20 : (int)kilobytes);
}

static void account_sub(lua_State *L, size_t nbytes) { account_of(L)->live -= nbytes; }

static size_t bytes_of(lua_State *L, BufferType type, size_t n) {
  if (n > (size_t)PTRDIFF_MAX / buffer_item_sizes[type]) luaL_error(L, "a buffer cannot be that long");
  return n * buffer_item_sizes[type];
}

/* A freed buffer: what the finalizer accepts. */
static Buffer *push_empty(lua_State *L, BufferType type) {
  Buffer *b = object_new(L, &buffer_type, BUFFER_VALUES);
  b->type = type;
  b->freed = true;
  b->writable = true;
  return b;
}

Buffer *buffer_new(lua_State *L, BufferType type, size_t n) {
  size_t nbytes = bytes_of(L, type, n);
  Buffer *b = push_empty(L, type);
  account_add(L, nbytes); /* first: the step may free what is needed now */
  if (nbytes > 0 && (b->data = calloc(n, buffer_item_sizes[type])) == NULL) {
    account_sub(L, nbytes);
    luaL_error(L, "not enough memory for a buffer of %I bytes", (LUAI_UACINT)nbytes);
  }
  b->length = n;
  b->freed = false;
  return b;
}

Buffer *buffer_adopt(lua_State *L, BufferType type, size_t n, void *data, BufferRelease release, void *owner) {
  Buffer *b = push_empty(L, type);
  b->data = data;
  b->length = n;
  b->release = release;
  b->owner = owner;
  b->freed = false;
  return b;
}

Buffer *buffer_adopt_malloc(lua_State *L, BufferType type, size_t n, void *data) {
  Buffer *b = push_empty(L, type);
  b->data = data;
  b->length = n;
  b->freed = false;
  account_add(L, n * buffer_item_sizes[type]);
  return b;
}

/* The end of a view. */
static void unpin_parent(void *owner, void *data, size_t nbytes) {
  (void)data, (void)nbytes;
  buffer_unpin(owner);
}

Buffer *buffer_view(lua_State *L, int i, size_t first, size_t n) {
  i = lua_absindex(L, i);
  Buffer *parent = lua_touserdata(L, i), *view = push_empty(L, parent->type);
  if (parent->freed || first > parent->length || n > parent->length - first) luaL_error(L, "%s", buffer_changed);
  lua_pushvalue(L, i);
  lua_setiuservalue(L, -2, BUFFER_PARENT); /* the parent outlives it */
  char *data = buffer_pin(parent);
  view->data = data == NULL ? NULL : data + first * buffer_item_sizes[parent->type];
  view->length = n;
  view->writable = parent->writable;
  view->release = unpin_parent;
  view->owner = parent;
  view->freed = false;
  return view;
}

Buffer *buffer_root(Buffer *b, size_t *first) {
  const char *data = b->data;
  while (b->release == unpin_parent) b = b->owner;
  *first = data == NULL ? 0 : (size_t)(data - (const char *)b->data) / buffer_item_sizes[b->type];
  return b;
}

Buffer *buffer_check(lua_State *L, int i) {
  Buffer *b = object_check(L, i, &buffer_type);
  if (b->freed) luaL_argerror(L, i, "the buffer was freed");
  return b;
}

void *buffer_pin(Buffer *b) {
  assert(!b->freed);
  b->pins++;
  return b->data;
}

void buffer_unpin(Buffer *b) {
  assert(b->pins > 0);
  b->pins--;
}

const char buffer_changed[] = "the buffer was changed by a finalizer meanwhile";

static const char in_use[] = "the buffer is in use (native work without the lock, or a view)";

const char *buffer_resize(lua_State *L, Buffer *b, size_t n) {
  if (b->pins > 0) return in_use;
  if (b->release != NULL) return "a view, or memory of somebody else, cannot be resized";
  size_t old = buffer_nbytes(b), new = bytes_of(L, b->type, n);
  if (new > old) account_add(L, new - old); /* may run finalizers, thus Lua: look again */
  if (b->freed || b->pins > 0 || buffer_nbytes(b) != old) {
    if (new > old) account_sub(L, new - old);
    return buffer_changed;
  }
  void *data = new == 0 ? NULL : realloc(b->data, new);
  if (new > 0 && data == NULL) {
    if (new > old) account_sub(L, new - old);
    return "not enough memory";
  }
  if (new == 0) free(b->data);
  if (new < old) account_sub(L, old - new);
  if (new > old) os_zero((char *)data + old, new - old);
  b->data = data;
  b->length = n;
  return NULL;
}

const char *buffer_free(lua_State *L, Buffer *b) {
  if (b->freed) return NULL;
  if (b->pins > 0) return in_use;
  if (b->release == NULL) {
    account_sub(L, buffer_nbytes(b));
    free(b->data);
  } else {
    b->release(b->owner, b->data, buffer_nbytes(b));
  }
  b->data = NULL;
  b->length = 0;
  b->freed = true;
  return NULL;
}

void buffer_open_account(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &account_key) == LUA_TNIL) {
    memset(lua_newuserdatauv(L, sizeof(Account), 0), 0, sizeof(Account));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &account_key);
  }
  lua_pop(L, 1);
}

void buffer_push_bytes(lua_State *L, const void *bytes, size_t n) {
  char copy[256]; /* longer than any string that Lua looks for among those it has */
  if (n > 0 && n <= sizeof copy) bytes = memcpy(copy, bytes, n);
  lua_pushlstring(L, n == 0 ? "" : bytes, n);
}

void buffer_get(lua_State *L, const Buffer *b, size_t i) {
  switch (b->type) {
    case BUFFER_F64: lua_pushnumber(L, ((const double *)b->data)[i]); break;
    case BUFFER_F32: lua_pushnumber(L, (lua_Number)((const float *)b->data)[i]); break;
    case BUFFER_I64: lua_pushinteger(L, ((const int64_t *)b->data)[i]); break;
    case BUFFER_I32: lua_pushinteger(L, ((const int32_t *)b->data)[i]); break;
    default: lua_pushinteger(L, ((const uint8_t *)b->data)[i]); break;
  }
}

static const struct {
  lua_Integer low, high;
} bounds[BUFFER_TYPES] = {
    [BUFFER_I64] = {INT64_MIN, INT64_MAX}, [BUFFER_I32] = {INT32_MIN, INT32_MAX}, [BUFFER_U8] = {0, 255}};

static int set_error(lua_State *L, const Buffer *b, size_t i, int v) {
  return luaL_error(L, "bad value for element %I of a buffer of %s: %s", (LUAI_UACINT)i + 1, buffer_type_names[b->type],
                    luaL_tolstring(L, v, NULL));
}

void buffer_set(lua_State *L, Buffer *b, size_t i, int v) {
  if (!b->writable) luaL_error(L, "this buffer is read-only");
  int ok;
  if (b->type <= BUFFER_F32) {
    lua_Number x = lua_tonumberx(L, v, &ok);
    if (!ok) set_error(L, b, i, v);
    if (b->type == BUFFER_F64) ((double *)b->data)[i] = x;
    else ((float *)b->data)[i] = (float)x;
    return;
  }
  lua_Integer n = lua_tointegerx(L, v, &ok);
  if (!ok || n < bounds[b->type].low || n > bounds[b->type].high) set_error(L, b, i, v);
  if (b->type == BUFFER_I64) ((int64_t *)b->data)[i] = n;
  else if (b->type == BUFFER_I32) ((int32_t *)b->data)[i] = (int32_t)n;
  else ((uint8_t *)b->data)[i] = (uint8_t)n;
}

/* An element as the widest number of its kind. */
typedef struct Wide {
  bool real;
  double x;
  int64_t n;
} Wide;

static Wide load(const void *from, BufferType type, size_t i) {
  switch (type) {
    case BUFFER_F64: return (Wide){true, ((const double *)from)[i], 0};
    case BUFFER_F32: return (Wide){true, (double)((const float *)from)[i], 0};
    case BUFFER_I64: return (Wide){false, 0, ((const int64_t *)from)[i]};
    case BUFFER_I32: return (Wide){false, 0, ((const int32_t *)from)[i]};
    default: return (Wide){false, 0, ((const uint8_t *)from)[i]};
  }
}

static bool store(void *to, BufferType type, size_t i, Wide w) {
  if (type <= BUFFER_F32) {
    double x = w.real ? w.x : (double)w.n;
    if (type == BUFFER_F64) ((double *)to)[i] = x;
    else ((float *)to)[i] = (float)x;
    return true;
  }
  if (w.real) {
    if (!(w.x >= -0x1p63 && w.x < 0x1p63) || w.x != floor(w.x)) return false;
    w.n = (int64_t)w.x;
  }
  if (w.n < bounds[type].low || w.n > bounds[type].high) return false;
  if (type == BUFFER_I64) ((int64_t *)to)[i] = w.n;
  else if (type == BUFFER_I32) ((int32_t *)to)[i] = (int32_t)w.n;
  else ((uint8_t *)to)[i] = (uint8_t)w.n;
  return true;
}

bool buffer_convert(void *to, BufferType to_type, const void *from, BufferType from_type, size_t n) {
  if (n == 0) return true;
  if (to_type == from_type) {
    memmove(to, from, n * buffer_item_sizes[to_type]);
    return true;
  }
  for (size_t i = 0; i < n; i++)
    if (!store(to, to_type, i, load(from, from_type, i))) return false;
  return true;
}
