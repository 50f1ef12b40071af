/* A module that keeps its data in the heap of Boehm's collector, which stops each registered thread by a signal and scans its
 * stack. The library is loaded at run time: where it is not installed luaopen_gc_module returns false. */
#include <dlfcn.h>
#include <lauxlib.h>

typedef struct Cell {
  struct Cell *next;
  int n;
} Cell;

/* gc.h's GC_stack_base. */
typedef struct Base {
  void *memory, *registers[8];
} Base;

static struct Library {
  void (*init)(void);
  void (*allow_register_threads)(void);
  int (*get_stack_base)(Base *base);
  int (*register_my_thread)(const Base *base);
  int (*unregister_my_thread)(void);
  void *(*malloc)(size_t n);
  void (*gcollect)(void);
  size_t (*get_gc_no)(void);
} gc;

static int l_register(lua_State *L) {
  Base base;
  gc.get_stack_base(&base);
  lua_pushinteger(L, gc.register_my_thread(&base)); /* 1: it is */
  return 1;
}

static int l_unregister(lua_State *L) {
  lua_pushinteger(L, gc.unregister_my_thread());
  return 1;
}

static int l_collect(lua_State *L) {
  gc.gcollect();
  lua_pushinteger(L, (lua_Integer)gc.get_gc_no());
  return 1;
}

/* build(n, f): a list that only this thread's C stack leads to, while f() runs Lua; returns how much of it is whole. */
static int l_build(lua_State *L) {
  Cell *volatile first = NULL;
  int n = (int)luaL_checkinteger(L, 1), whole = 0;
  for (int i = 0; i < n; i++) {
    Cell *cell = gc.malloc(sizeof *cell);
    *cell = (Cell){.next = first, .n = i};
    first = cell;
  }
  lua_settop(L, 2);
  lua_call(L, 0, 0);
  for (const Cell *cell = first; cell != NULL && cell->n == n - 1 - whole; cell = cell->next) whole++;
  lua_pushinteger(L, whole);
  return 1;
}

static int find(void *library) {
  static const struct Name {
    const char *name;
    void **where;
  } names[] = {
      {"GC_init", (void **)&gc.init},
      {"GC_allow_register_threads", (void **)&gc.allow_register_threads},
      {"GC_get_stack_base", (void **)&gc.get_stack_base},
      {"GC_register_my_thread", (void **)&gc.register_my_thread},
      {"GC_unregister_my_thread", (void **)&gc.unregister_my_thread},
      {"GC_malloc", (void **)&gc.malloc},
      {"GC_gcollect", (void **)&gc.gcollect},
      {"GC_get_gc_no", (void **)&gc.get_gc_no},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if ((*names[i].where = dlsym(library, names[i].name)) == NULL) return 0;
  return 1;
}

int luaopen_gc_module(lua_State *L);
int luaopen_gc_module(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"register", l_register}, {"unregister", l_unregister}, {"collect", l_collect}, {"build", l_build}, {NULL, NULL}};
  void *library = dlopen("libgc.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL || !find(library)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  gc.init();
  gc.allow_register_threads();
  luaL_newlib(L, funcs);
  return 1;
}
