/* The writer's life: one is kept in the registry for the next message; a message inside a message, or one that was left
 * by an error, makes another take its place. */
#include "pool/pickle/writer.h"

#include <lauxlib.h>
#include <string.h>


/* Memory is kept for messages as large as the last ones: fresh pages cost a third of a dump. */
enum {
  SMALL_BYTES = 64 * 1024,
  SMALL_REFS = 1024,
  MOST_BYTES = 8 * 1024 * 1024,
  MOST_REFS = 1 << 18,
  PATIENCE = 64, /* so many small messages in a row, and the memory for large ones goes back */
  KEPT_FRAMES = 1024
};

#define WRITER_META "gilua.pickle.Writer"

static const char writer_key;

/* User values of the writer. */
enum { VALUE_FIELDS = 1, VALUE_SPILL, VALUE_PINS, VALUE_ORIGINS, VALUES = VALUE_ORIGINS };

void writer_forget(Writer *w) {
  for (unsigned i = 0; i < w->ncodes; i++) pickle_code_drop(w->codes[i]);
  w->ncodes = w->npieces = 0;
  w->pins = false;
  w->out.size = 0;
  w->string_count = 0;
  w->anchored = 0;
  w->plain_meta = w->settled_meta = NULL;
  w->root_origin = false;
  refs_reset(&w->refs, MOST_REFS);
  if (w->origins.count > 0) refs_reset(&w->origins, SMALL_REFS);
}

static int writer_gc(lua_State *L) {
  Writer *w = lua_touserdata(L, 1);
  writer_forget(w);
  bytes_free(&w->out);
  bytes_free(&w->scratch);
  refs_free(&w->refs);
  refs_free(&w->origins);
  refs_free(&w->classes);
  refs_free(&w->changed);
  names_free(L, &w->own_names);
  pickle_realloc(w->frames, 0);
  pickle_realloc(w->pieces, 0);
  pickle_realloc(w->codes, 0);
  w->frames = NULL;
  w->pieces = NULL;
  w->codes = NULL;
  return 0;
}

static Writer *new_writer(lua_State *L) {
  static const char *const fields[] = {"__reduce", "__gc", "__close"};
  Writer *w = lua_newuserdatauv(L, sizeof *w, VALUES);
  memset(w, 0, sizeof *w);
  w->own_names.keys = LUA_NOREF;
  if (luaL_newmetatable(L, WRITER_META)) {
    lua_pushcfunction(L, writer_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  for (int i = VALUE_SPILL; i <= VALUES; i++) {
    lua_newtable(L);
    lua_setiuservalue(L, -2, i);
  }
  lua_createtable(L, 3, 0);
  for (int i = 0; i < 3; i++) {
    lua_pushstring(L, fields[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setiuservalue(L, -2, VALUE_FIELDS);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &writer_key);
  return w;
}

Writer *writer_begin(lua_State *L, PickleLink *link, NameScope scope) {
  luaL_checkstack(L, SLOT_FRAMES + 2 * STACK_LEVELS + 2 * UNTIDY + LUA_MINSTACK, NULL);
  int base = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &writer_key);
  Writer *w = lua_touserdata(L, -1);
  if (w == NULL || w->busy) {
    lua_pop(L, 1);
    w = new_writer(L);
  }
  if (link != NULL) link_prepare(L, link);
  if (link == NULL && w->own_scope != scope) names_free(L, &w->own_names);
  if (link == NULL) w->own_scope = scope;
  w->busy = true;
  w->L = L;
  w->link = link;
  w->base = base;
  w->names = NULL;
  w->mode = w->restart = 0;
  w->spilled = false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  w->globals = lua_topointer(L, -1);
  lua_getiuservalue(L, base + SLOT_WRITER, VALUE_SPILL); /* the globals stand in for package.loaded so far */
  lua_pushnil(L);
  lua_getiuservalue(L, base + SLOT_WRITER, VALUE_PINS);
  lua_getiuservalue(L, base + SLOT_WRITER, VALUE_ORIGINS);
  lua_pushnil(L);
  lua_getiuservalue(L, base + SLOT_WRITER, VALUE_FIELDS);
  return w;
}

static void renew(Writer *w, bool used, int value) {
  if (!used) return;
  lua_newtable(w->L);
  lua_setiuservalue(w->L, w->base + SLOT_WRITER, value);
}

void writer_renew(Writer *w) {
  renew(w, w->spilled, VALUE_SPILL);
  renew(w, w->npieces > 0 || w->pins, VALUE_PINS);
  renew(w, w->origins.count > 0 && !w->root_origin, VALUE_ORIGINS);
  w->spilled = false;
}

void writer_release(Writer *w) {
  bool small = w->out.size <= SMALL_BYTES && w->refs.count <= SMALL_REFS;
  refs_reset(&w->classes, SMALL_REFS);
  refs_reset(&w->changed, SMALL_REFS);
  w->small = small ? w->small + 1 : 0;
  writer_forget(w);
  if (w->out.capacity > (w->small < PATIENCE ? MOST_BYTES : SMALL_BYTES)) bytes_free(&w->out);
  if (w->small >= PATIENCE) refs_reset(&w->refs, SMALL_REFS);
  if (w->scratch.capacity > SMALL_BYTES) bytes_free(&w->scratch);
  if (w->frame_capacity > KEPT_FRAMES) {
    pickle_realloc(w->frames, 0);
    w->frames = NULL;
    w->frame_capacity = 0;
  }
  w->busy = false;
}

static void spill(Writer *w, int depth) {
  int slot = writer_slot(w, depth);
  w->spilled = true;
  for (int i = 0; i < 2; i++) {
    lua_pushvalue(w->L, slot + i);
    lua_rawseti(w->L, w->base + SLOT_SPILL, 2 * (lua_Integer)depth + i + 1);
  }
}

WriteFrame *writer_push(Writer *w, FrameKind kind, size_t at, uint32_t n) {
  if (w->depth + 1 >= w->frame_capacity) {
    int capacity = w->frame_capacity == 0 ? 64 : 2 * w->frame_capacity;
    WriteFrame *frames = pickle_realloc(w->frames, (size_t)capacity * sizeof *frames);
    if (frames == NULL) writer_no_memory(w);
    w->frames = frames;
    w->frame_capacity = capacity;
  }
  if (w->depth >= STACK_LEVELS) { /* the new frame takes the place of its parent */
    spill(w, w->depth);
    lua_replace(w->L, writer_slot(w, w->depth));
    lua_settop(w->L, writer_slot(w, w->depth));
  }
  lua_pushnil(w->L); /* the key */
  WriteFrame *f = &w->frames[++w->depth];
  *f = (WriteFrame){.at = at, .n = n, .kind = kind, .phase = PHASE_LIST};
  return f;
}

void writer_pop(Writer *w) {
  lua_settop(w->L, writer_slot(w, w->depth) - 1);
  w->depth--;
  if (w->depth < STACK_LEVELS) return;
  for (int i = 0; i < 2; i++) lua_rawgeti(w->L, w->base + SLOT_SPILL, 2 * (lua_Integer)w->depth + i + 1);
}

void writer_want_names(Writer *w) {
  if ((w->mode & RESTART_FRESH) != 0) return;
  if (w->names == NULL && w->link == NULL) w->restart |= RESTART_NAMES;
  else if (w->link == NULL || link_has_later(w->L, w->link)) w->restart |= RESTART_FRESH;
  else w->mode |= RESTART_FRESH; /* looked for once a message */
}

bool writer_changed(Writer *w) {
  if ((w->mode & RESTART_LOOK) == 0) w->restart |= RESTART_LOOK;
  return w->restart != 0 || link_changed(w->L, w->link, -1);
}

_Noreturn void writer_no_memory(Writer *w) {
  lua_State *L = w->L;
  writer_renew(w);
  writer_release(w);
  luaL_error(L, "not enough memory");
  __builtin_unreachable();
}
