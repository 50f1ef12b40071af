/* gilua.h, from outside: what a host sees. */
#include <gilua.h>
#include <gilua_native.h>
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static gilua_Runtime *opened(const gilua_Config *config) {
  gilua_Runtime *rt = NULL;
  int err = gilua_open(&rt, config);
  if (err != 0) printf("# gilua_open: %s\n", gilua_strerror(err));
  return rt;
}

static bool runs(gilua_Runtime *rt, const char *code) {
  int err = gilua_run_string(rt, code, "=test");
  if (err != 0) printf("# %s: %s\n", gilua_strerror(err), gilua_error(rt));
  return err == 0;
}

static bool fails(gilua_Runtime *rt, const char *code, const char *message) {
  if (gilua_run_string(rt, code, "=test") != GILUA_ELUA) return false;
  if (strstr(gilua_error(rt), message) != NULL) return true;
  printf("# got %s\n", gilua_error(rt));
  return false;
}

static void test_basics(void) {
  gilua_Runtime *rt = opened(NULL);
  lua_State *L, *M;
  CHECK(rt != NULL && runs(rt, "x = 41 + 1; assert(require('gilua').threading)"));
  CHECK(fails(rt, "local function f() error('boo') end f()", "test:1: boo"));
  CHECK(strstr(gilua_error(rt), "stack traceback:") != NULL);
  CHECK(fails(rt, "x =", "unexpected symbol"));
  CHECK(gilua_leave(rt, NULL) == GILUA_EOUTSIDE);
  CHECK(gilua_enter(rt, &L) == 0 && gilua_enter(rt, &M) == 0 && L == M);
  lua_getglobal(L, "x");
  CHECK(lua_tointeger(L, -1) == 42);
  CHECK(luaL_loadstring(L, "local a, b = ... return a + b, a * b") == LUA_OK);
  lua_pushinteger(L, 6);
  lua_pushinteger(L, 7);
  CHECK(gilua_call(rt, L, 2, LUA_MULTRET) == 0 && lua_tointeger(L, -2) == 13 && lua_tointeger(L, -1) == 42);
  CHECK(luaL_loadstring(L, "error({})") == LUA_OK && gilua_call(rt, L, 0, 0) == GILUA_ELUA);
  CHECK(strstr(lua_tostring(L, -1), "error object is a table value") != NULL);
  CHECK(gilua_close(rt) == GILUA_ETHREAD); /* from inside */
  CHECK(gilua_leave(rt, M) == 0 && gilua_leave(rt, L) == 0 && gilua_leave(rt, L) == GILUA_EOUTSIDE);
  CHECK(gilua_enter(rt, &L) == 0 && lua_gettop(L) == 0 && gilua_leave(rt, L) == 0);
  CHECK(gilua_call(rt, L, 0, 0) == GILUA_EOUTSIDE);
  CHECK(gilua_close(rt) == 0 && gilua_close(rt) == GILUA_ECLOSING);
  CHECK(gilua_run_string(rt, "", NULL) == GILUA_ECLOSING && gilua_keep(rt) == GILUA_ECLOSING);
}

static void test_files(void) {
  char path[] = "/tmp/gilua_api_XXXXXX", *argv[] = {(char *)"zero", (char *)"one", (char *)"two"};
  int fd = mkstemp(path);
  FILE *f = fdopen(fd, "w");
  fputs("assert(arg[0] == 'zero' and arg[2] == 'two'); local a, b, c = ... assert(a == 'one' and b == 'two' and c == nil)", f);
  fclose(f);
  gilua_Runtime *rt = opened(NULL);
  CHECK(gilua_run_file(rt, path, 3, argv) == 0);
  unlink(path);
  CHECK(gilua_run_file(rt, path, 0, NULL) == GILUA_ELUA && strstr(gilua_error(rt), "cannot open") != NULL);
  CHECK(gilua_run_file(rt, path, 1, NULL) == GILUA_EINVAL);
  CHECK(gilua_close(rt) == 0);
}

static void test_bad_configuration(void) {
  const gilua_Config bad[] = {{.policy = 7}, {.preempt = -1}, {.switch_interval_ns = 1}, {.signal_number = SIGKILL},
                              {.signal_number = 1000}, {.stack_size_bytes = 4096}, {.shutdown_timeout_ns = -1}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    gilua_Runtime *rt = (gilua_Runtime *)&rt;
    CHECK(gilua_open(&rt, &bad[i]) == GILUA_EINVAL && rt == NULL);
  }
}

static const char two_spinners[] =
    "local th, time = require 'gilua.threading', require 'gilua.time'\n"
    "local stop, n = false, {0, 0}\n"
    "local function spin(i) while not stop do n[i] = n[i] + 1 end end\n"
    "local a, b = th.start(spin, 1), th.start(spin, 2)\n"
    "while n[1] == 0 or n[2] == 0 do time.sleep(0.001) end\n"
    "stop = true a:join() b:join()";

static void test_preemption(void) {
  const gilua_Config configs[] = {{.policy = GILUA_POLICY_INTERVAL}, {.policy = GILUA_POLICY_TICKS},
                                  {.preempt = GILUA_PREEMPT_COUNT}, {.signal_number = SIGUSR1},
                                  {.switch_interval_ns = 100000}, {.stack_size_bytes = 2 << 20}};
  for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
    gilua_Runtime *rt = opened(&configs[i]);
    CHECK(rt != NULL && runs(rt, two_spinners));
    CHECK(gilua_close(rt) == 0);
  }
}

static void test_fields_arrive(void) {
  gilua_Config config = {.policy = GILUA_POLICY_TICKS, .switch_interval_ns = 2000000, .stack_size_bytes = 3 << 20};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "local gil = require 'gilua.gil'; assert(gil.policy() == 'ticks' and gil.switch_interval() == 0.002)"
                 "assert(require'gilua.threading'.stack_size() == 3 << 20)"));
  CHECK(gilua_close(rt) == 0);
}

static void test_no_preemption(void) {
  gilua_Config config = {.preempt = GILUA_PREEMPT_NONE};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "local th, time = require 'gilua.threading', require 'gilua.time'\n"
                 "local n = 0; local t = th.start(function() n = 1 end)\n"
                 "for i = 1, 5e6 do end\n"
                 "assert(n == 0) t:join() assert(n == 1)"));
  CHECK(gilua_close(rt) == 0);
}

static volatile sig_atomic_t handled;
static void on_signal(int sig) { handled = sig; }

static int l_raise(lua_State *L) {
  (void)L;
  raise(SIGINT);
  return 0;
}

static void test_signals_of_the_host(void) {
  struct sigaction act = {.sa_handler = on_signal}, now;
  lua_State *L;
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGUSR2, &act, NULL);
  gilua_Config config = {.signal_number = SIGUSR2};
  gilua_Runtime *rt = opened(&config);
  CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_signal);
  handled = 0;
  kill(getpid(), SIGUSR2);
  CHECK(handled == SIGUSR2); /* what we did not send is passed on */
  CHECK(gilua_close(rt) == 0);
  config = (gilua_Config){.handle_sigint = 1};
  rt = opened(&config);
  CHECK(gilua_enter(rt, &L) == 0);
  lua_register(L, "ctrl_c", l_raise);
  CHECK(gilua_leave(rt, L) == 0 && fails(rt, "ctrl_c() while true do end", "interrupted by Ctrl-C"));
  CHECK(gilua_close(rt) == 0);
  CHECK(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_signal);
}

typedef struct Counter {
  size_t now, most, calls;
} Counter;

static void *counting(void *data, void *block, size_t old_size, size_t new_size) {
  Counter *c = data;
  c->calls++;
  c->now += new_size - (block != NULL ? old_size : 0);
  if (c->now > c->most) c->most = c->now;
  if (new_size != 0) return realloc(block, new_size);
  free(block);
  return NULL;
}

static const char hungry[] = "local t = {} for i = 1, 1e7 do t[i] = ('x'):rep(100) .. i end";

static void test_memory(void) {
  Counter counter = {0};
  gilua_Config config = {.memory_limit_bytes = 8 << 20};
  gilua_Runtime *rt = opened(&config);
  CHECK(fails(rt, hungry, "not enough memory"));
  CHECK(fails(rt, "local s = ('x'):rep(1 << 30)", "not enough memory"));
  CHECK(runs(rt, "assert(1 + 1 == 2)")); /* it goes on */
  CHECK(runs(rt, "local th = require 'gilua.threading'\n"
                 "local t = th.Thread{target = function() local t = {} for i = 1, 1e7 do t[i] = {} end end}\n"
                 "local ok, e = pcall(function() t:start() t:result() end) assert(not ok and e == 'not enough memory')"));
  CHECK(gilua_close(rt) == 0);
  config = (gilua_Config){.allocator = counting, .allocator_data = &counter, .memory_limit_bytes = 4 << 20};
  rt = opened(&config);
  CHECK(fails(rt, hungry, "not enough memory"));
  CHECK(counter.calls > 1000 && counter.most > 3 << 20 && counter.most <= 4 << 20);
  CHECK(gilua_close(rt) == 0 && counter.now == 0);
  config.memory_limit_bytes = 1000;
  CHECK(gilua_open(&rt, &config) == GILUA_ENOMEM && rt == NULL && counter.now == 0);
  for (size_t limit = 2000; limit < 60000; limit += 500) { /* an end anywhere on the way is a clean one */
    config.memory_limit_bytes = limit;
    int err = gilua_open(&rt, &config);
    CHECK(err == 0 || err == GILUA_ENOMEM);
    if (err == 0) CHECK(gilua_close(rt) == 0);
    CHECK(counter.now == 0);
  }
}

static void test_safe_libraries(void) {
  gilua_Config config = {.libraries = GILUA_LIB_SAFE | GILUA_LIB_THREADS};
  gilua_Runtime *rt = opened(&config);
  static const char *const escapes[] = {
      "assert(io == nil and dofile == nil and loadfile == nil and package.loadlib == nil and package.cpath == nil)",
      "assert(os.execute == nil and os.exit == nil and os.remove == nil and os.getenv == nil and os.tmpname == nil)",
      "assert(debug.getregistry == nil and debug.sethook == nil and debug.getupvalue == nil and debug.debug == nil)",
      "assert(debug.getmetatable == nil and debug.setmetatable == nil and debug.getinfo == nil and debug.upvaluejoin == nil)",
      "assert(string.dump == nil and ('').dump == nil and getmetatable('').__index.dump == nil)",
      "for _, m in ipairs{'io','gilua.gil','gilua.ctypes','gilua.native','gilua.socket','gilua.multiprocessing','ffi','lpeg'} do "
      "assert(not pcall(require, m), m) end",
      "assert(package.loaded.io == nil and package.loaded._G.io == nil and package.searchpath == nil)",
      "local ok, e = load('\\27Lua' .. ('x'):rep(100), 'b', 'b') assert(not ok and e:find('binary chunk'), e)",
      "local ok, e = load('\\27LuaT', 'b', 'bt') assert(not ok and e:find('binary chunk'), e)",
      "local n = 0 local ok, e = load(function() n = n + 1 return n == 1 and '\\27Lua' or n == 2 and 'x' or nil end, 'f', 'b')"
      " assert(not ok and e:find('binary chunk'), e)",
      "assert(load('return 1')() == 1 and load('return x', 'c', 't', {x = 5})() == 5)",
      "assert(load('return 1', 'c', nil, nil)() == 1 and select(2, pcall(load)):find('value expected'))",
      "package.path, package.cpath = './?.lua', './?.so' assert(not pcall(require, 'posix'))",
      "package.searchers[2] = nil package.preload.evil = function() return io end assert(require 'evil' == true or true)",
      "local co = coroutine.wrap(function() return io, package.loadlib, debug.getregistry end) "
      "local a, b, c = co() assert(not a and not b and not c)",
      "assert(getmetatable(print) == nil and getmetatable(coroutine.create(print)) == nil)",
      "for k, v in pairs(_G) do assert(type(v) ~= 'userdata', k) end",
      "local mt = getmetatable(require'gilua'.threading.Lock()) assert(type(mt) == 'string')",
      "assert(require 'gilua'.threading and require 'gilua.queue'.Queue and not pcall(function() return require'gilua'.gil.x end))",
      "local f = require 'gilua.futures' assert(f.ProcessPoolExecutor == nil and f.InterpreterPoolExecutor == nil)"
      "local p <close> = f.ThreadPoolExecutor{max_workers = 1} assert(p:submit(function() return io end):result() == nil)",
      "assert(getmetatable(require 'gilua.futures'.Future()) == 'gilua.Future')",
      "local co = coroutine.create(function() error(setmetatable({}, {__tostring = function() return tostring(io) end})) end) "
      "local ok, e = coroutine.resume(co) assert(not ok and tostring(e) == 'nil') assert(not debug.traceback(co):find 'gilua_')",
      "local ok, r = xpcall(function() error 'x' end, function(e) return {io, debug.getinfo, package.loadlib} end) "
      "assert(not ok and #r == 0)",
      "local f = load('return ...', '=(load)', 'bt', setmetatable({}, {__index = function(_, k) return _G[k] end})) "
      "assert(f(1) == 1)",
      "assert(not load(string.pack('B', 27) .. 'Lua', nil, 'b', {}))",
      "local env = setmetatable({}, {__index = _G}) assert(load('return io, os.execute, string.dump', 'x', 't', env)() == nil)",
      "for k in pairs(package.loaded) do assert(not k:find 'native' and not k:find 'ctypes' and not k:find 'socket', k) end",
      "for _, l in ipairs{string, table, math, utf8, coroutine, os, debug, package} do for k, v in pairs(l) do "
      "assert(k ~= 'loadlib' and k ~= 'dump' and k ~= 'execute' and k ~= 'getregistry', k) end end",
      "assert(not pcall(require, 'gilua.gilua') and not pcall(require, '../x') and not pcall(require, '/tmp/x'))",
      "assert(os.time() > 0 and os.date('%Y') and os.clock() >= 0 and debug.traceback() and print and warn)",
      "local t = require'gilua.threading'.start(function() return io or package.loadlib end) assert(t:result() == nil)",
      "local s = setmetatable({}, {__gc = function() leaked = io end}) s = nil collectgarbage() assert(leaked == nil)",
  };
  for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) CHECK(runs(rt, escapes[i]));
  CHECK(gilua_close(rt) == 0);
  config.libraries = GILUA_LIB_SAFE;
  rt = opened(&config);
  CHECK(runs(rt, "assert(not pcall(require, 'gilua.threading') and require 'gilua.time')"));
  CHECK(gilua_close(rt) == 0);
  config.libraries = GILUA_LIB_IO;
  rt = opened(&config);
  CHECK(runs(rt, "assert(io.open and not io.popen and os.remove and not os.execute and dofile)"));
  CHECK(runs(rt, "local n = os.tmpname() local f = io.open(n, 'wb') f:write('\\27Lua') f:close() "
                 "local ok, e = loadfile(n, 'b') assert(not ok and e:find 'binary chunk', e) "
                 "assert(not pcall(dofile, n)) os.remove(n)"));
  CHECK(gilua_close(rt) == 0);
}

static char told[200];
static void on_error(void *data, const char *text) {
  strncpy(data, text, sizeof told - 1);
}

static void *exits_inside(void *arg) {
  lua_State *L;
  gilua_enter(arg, &L);
  gilua_enter(arg, &L);
  return NULL;
}

static void test_errors_are_told(void) {
  gilua_Config config = {.on_error = on_error, .on_error_data = told};
  gilua_Runtime *rt = opened(&config);
  pthread_t t;
  told[0] = '\0';
  CHECK(runs(rt, "require'gilua.threading'.start(error, 'lost'):join()"));
  CHECK(strstr(told, "lost") != NULL);
  pthread_create(&t, NULL, exits_inside, rt);
  pthread_join(t, NULL);
  CHECK(strstr(told, "without gilua_leave") != NULL);
  CHECK(runs(rt, "assert(require'gilua.threading'.active_count() == 1)"));
  CHECK(gilua_close(rt) == 0);
}

typedef struct Gate {
  gilua_Runtime *rt;
  _Atomic int inside, go, result;
} Gate;

static void *keeps(void *arg) {
  Gate *g = arg;
  lua_State *L;
  g->result = gilua_keep(g->rt);
  g->inside = 1;
  while (!g->go) usleep(1000);
  usleep(50000); /* closing has most likely begun */
  if (gilua_enter(g->rt, &L) != 0) g->result = 1;
  else gilua_leave(g->rt, L);
  gilua_drop(g->rt);
  return NULL;
}

static void test_keep(void) {
  Gate g = {.rt = opened(NULL)};
  pthread_t t;
  pthread_create(&t, NULL, keeps, &g);
  while (!g.inside) usleep(1000);
  g.go = 1;
  CHECK(gilua_close(g.rt) == 0);
  pthread_join(t, NULL);
  CHECK(g.result == 0);
  gilua_Config config = {.shutdown_timeout_ns = 20000000};
  gilua_Runtime *rt = opened(&config);
  CHECK(gilua_keep(rt) == 0);
  CHECK(gilua_close(rt) == 0); /* nobody drops: closing goes on when time has run out */
}

static int l_go(lua_State *L) {
  Gate *g = lua_touserdata(L, lua_upvalueindex(1));
  g->go = 1;
  return 0;
}

static void *stays_inside(void *arg) {
  Gate *g = arg;
  lua_State *L;
  if (gilua_enter(g->rt, &L) != 0) return NULL;
  luaL_loadstring(L, "local go = ... while true do pcall(function() go() while true do end end) end");
  lua_pushlightuserdata(L, g);
  lua_pushcclosure(L, l_go, 1);
  g->result = gilua_call(g->rt, L, 1, 0);
  gilua_leave(g->rt, L);
  return NULL;
}

static void test_shutdown_timeout(void) {
  gilua_Config config = {.shutdown_timeout_ns = 100000000};
  Gate g = {.rt = opened(&config)};
  pthread_t t;
  lua_State *L;
  pthread_create(&t, NULL, stays_inside, &g);
  while (!g.go) usleep(1000);
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  CHECK(gilua_close(g.rt) == GILUA_ETIMEOUT);
  clock_gettime(CLOCK_MONOTONIC, &b);
  CHECK(b.tv_sec - a.tv_sec < 20);
  CHECK(gilua_enter(g.rt, &L) == GILUA_ECLOSING);
  pthread_detach(t); /* it never gets the lock again */
}

static void *interrupter(void *arg) {
  Gate *g = arg;
  while (!g->go) usleep(1000);
  gilua_interrupt(g->rt);
  return NULL;
}

static void test_interrupt(void) {
  static const char *const waits[] = {"go() while true do end", "go() require'gilua.time'.sleep(1000)",
                                      "go() require'gilua.threading'.Event():wait()"};
  for (size_t i = 0; i < 3; i++) {
    Gate g = {.rt = opened(NULL)};
    pthread_t t;
    lua_State *L;
    pthread_create(&t, NULL, interrupter, &g);
    CHECK(gilua_enter(g.rt, &L) == 0);
    lua_pushlightuserdata(L, &g);
    lua_pushcclosure(L, l_go, 1);
    lua_setglobal(L, "go");
    gilua_leave(g.rt, L);
    CHECK(fails(g.rt, waits[i], "interrupted"));
    pthread_join(t, NULL);
    CHECK(gilua_close(g.rt) == 0);
  }
}

static int nested_rts(lua_State *L) {
  gilua_Runtime *other = lua_touserdata(L, lua_upvalueindex(1)), *mine = lua_touserdata(L, lua_upvalueindex(2));
  lua_State *M, *again;
  if (gilua_enter(other, &M) != 0) return 0;
  if (luaL_dostring(M, "n = (n or 0) + 1 for i = 1, 1000 do end") != 0) return 0;
  int err = gilua_enter(mine, &again); /* Lua of one runtime calls C that is in another and comes back */
  if (err != 0 || luaL_dostring(again, "back = (back or 0) + 1 for i = 1, 1000 do end") != 0) return 0;
  if (err == 0) gilua_leave(mine, again);
  gilua_leave(other, M);
  lua_pushboolean(L, again == L);
  return 1;
}

static void test_runtimes_nest(void) {
  gilua_Runtime *a = opened(NULL), *b = opened(NULL);
  lua_State *L;
  CHECK(gilua_enter(a, &L) == 0);
  lua_pushlightuserdata(L, b);
  lua_pushlightuserdata(L, a);
  lua_pushcclosure(L, nested_rts, 2);
  lua_setglobal(L, "visit");
  gilua_leave(a, L);
  CHECK(runs(a, "local th = require'gilua.threading' local ts = {} require'gilua.gil'.switch_interval(1e-5)"
                "for i = 1, 4 do ts[i] = th.start(function() for i = 1, 200 do assert(visit()) end end) end "
                "for _, t in ipairs(ts) do t:result() end assert(back > 0)"));
  CHECK(runs(b, "assert(n > 0)"));
  CHECK(gilua_close(b) == 0 && gilua_close(a) == 0);
}

static void *offloads(void *arg) {
  Gate *g = arg;
  lua_State *L;
  if (gilua_enter(g->rt, &L) != 0) return NULL;
  luaL_loadstring(L, "local a, b = ... return a * b");
  lua_pushinteger(L, 6);
  lua_pushinteger(L, 7);
  if (gilua_offload(L, 2, 1) == 0) g->result = (int)lua_tointeger(L, -1);
  gilua_leave(g->rt, L);
  return NULL;
}

/* No process is left to scripts, but the host may use some. */
static void test_offload(void) {
  gilua_Config config = {.libraries = GILUA_LIB_SAFE};
  Gate g = {.rt = opened(&config)};
  pthread_t t;
  pthread_create(&t, NULL, offloads, &g);
  pthread_join(t, NULL);
  CHECK(g.result == 42);
  CHECK(runs(g.rt, "assert(not package.loaded['gilua.futures'] and not pcall(require, 'gilua.futures'))"));
  CHECK(gilua_close(g.rt) == 0);
}

/* In a child that was forked by a thread which is not inside: the runtime is closed, nothing hangs, new ones may be
 * opened. */
static int try_in_child(gilua_Runtime *rt) {
  lua_State *L;
  gilua_Runtime *fresh;
  gilua_Stats stats;
  alarm(30);
  if (gilua_enter(rt, &L) != GILUA_ECLOSING || L != NULL || gilua_run_string(rt, "", NULL) != GILUA_ECLOSING) return 1;
  if (gilua_keep(rt) != GILUA_ECLOSING || gilua_stats(rt, &stats) != GILUA_ECLOSING) return 2;
  if (gilua_close(rt) != GILUA_ECLOSING) return 3;
  gilua_interrupt(rt);
  if (gilua_open(&fresh, NULL) != 0 || !runs(fresh, "require'gilua.threading'.start(function() end):join()")) return 4;
  return gilua_close(fresh);
}

static bool forks(gilua_Runtime *rt) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) _exit(try_in_child(rt));
  int status = -1;
  waitpid(pid, &status, 0);
  if (status != 0) printf("# status %x\n", (unsigned)status);
  return status == 0;
}

static void *forks_outside(void *arg) {
  Gate *g = arg;
  lua_State *L;
  g->result = forks(g->rt); /* a thread that was never inside */
  gilua_enter(g->rt, &L);
  gilua_leave(g->rt, L);
  g->result = g->result && forks(g->rt); /* one that was */
  return NULL;
}

static void test_fork_outside(void) {
  Gate g = {.rt = opened(NULL)};
  pthread_t t;
  CHECK(runs(g.rt,
             "require'gilua.threading'.Thread{daemon = true, target = function() while true do end end}:start()"));
  CHECK(forks(g.rt));
  pthread_create(&t, NULL, forks_outside, &g);
  pthread_join(t, NULL);
  CHECK(g.result == 1);
  CHECK(runs(g.rt, "x = 1") && gilua_close(g.rt) == 0);
}

static void test_attach(void) {
  lua_State *L = luaL_newstate(), *M;
  gilua_Runtime *rt, *again;
  luaL_requiref(L, "_G", luaopen_gilua, 0); /* any opener: the standard libraries follow */
  lua_close(L);
  L = luaL_newstate();
  lua_pop(L, lua_gettop(L));
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  CHECK(gilua_attach(L, NULL, &again) == GILUA_EEXISTS && again == rt);
  CHECK(gilua_enter(rt, &M) == 0 && M == L && gilua_leave(rt, M) == 0);
  CHECK(gilua_leave(rt, L) == 0 && gilua_close(rt) == GILUA_ETHREAD && gilua_enter(rt, &M) == 0 && M == L);
  CHECK(gilua_close(rt) == 0);
  CHECK(luaL_dostring(L, "return 1 + 1") == LUA_OK); /* the state goes on alone */
  CHECK(gilua_attach(L, NULL, &rt) == 0); /* and may be attached again */
  lua_close(L);                           /* or simply closed */
}

static void check_lua(lua_State *L, int status) {
  if (status == LUA_OK) return;
  printf("# %s\n", lua_tostring(L, -1));
  CHECK(status == LUA_OK);
}

/* Objects of every kind outlive the runtime; each is used and collected afterwards. */
static void test_objects_after_close(void) {
  static const char make[] =
      "local gilua = require 'gilua'\n"
      "local T, Q, F, M = gilua.threading, gilua.queue, gilua.futures, gilua.multiprocessing\n"
      "local thread = T.start(function() return 1 end) thread:join()\n"
      "local threads, processes = F.ThreadPoolExecutor { max_workers = 2 }, F.ProcessPoolExecutor { max_workers = 1 }\n"
      "local future, far = threads:submit(function() return 1 end), processes:submit(function() return 1 end)\n"
      "future:result() far:result()\n"
      "local unread, child = processes:submit(type, 1), M.Process { target = function() while true do end end, daemon = true }\n"
      "unread:add_done_callback(function() told = (told or 0) + 1 end) child:start()\n"
      "local pool = M.Pool { processes = 1 } local result = pool:apply_async(function() return 1 end) result:get()\n"
      "objects = { thread, threads, processes, unread, child, future, far, pool, result, T.Lock(), T.RLock(), T.Condition(), T.Event(),\n"
      "  T.Semaphore(1), T.Barrier(1), T.Local(), T.Timer(1, type), Q.Queue(), Q.PriorityQueue(), Q.SimpleQueue(),\n"
      "  M.Process { target = type }, M.shared_array('i32', 4), gilua.native.buffer('f64', 8), io.tmpfile(),\n"
      "  gilua.ctypes and gilua.ctypes.libc or {}, coroutine.create(function() end), threads:map(type, {1}) }\n";
  static const char use[] =
      "local n = 0\n"
      "for _, o in ipairs(objects) do\n"
      "  tostring(o)\n"
      "  for _, name in ipairs { 'acquire', 'release', 'wait', 'put', 'get', 'join', 'start', 'cancel', 'submit', 'map',\n"
      "    'result', 'shutdown', 'terminate', 'close', 'hold', 'is_alive', 'notify', 'set', 'done', 'apply', 'kill' } do\n"
      "    local ok, method = pcall(function() return o[name] end)\n"
      "    if ok and method then pcall(method, o, 1) n = n + 1 end\n"
      "  end\n"
      "end\n"
      "assert(n > 20)\n";
  static const char drop[] = "old, objects = objects, nil collectgarbage() collectgarbage()";
  lua_State *L = luaL_newstate();
  gilua_Runtime *rt;
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, make));
  CHECK(gilua_close(rt) == 0);
  check_lua(L, luaL_dostring(L, use));
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, use)); /* and with a runtime that is not theirs */
  check_lua(L, luaL_dostring(L, drop));
  check_lua(L, luaL_dostring(L, make));
  CHECK(gilua_close(rt) == 0);
  check_lua(L, luaL_dostring(L, drop));
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, make)); /* a process runs, and the state is older than the runtime */
  lua_close(L);
}

static void test_stats(void) {
  static const char two_pools[] = /* one of them is collected, and counts */
      "local futures = require('gilua').futures\n"
      "local function work(pool, n) for i = 1, n do pool:submit(math.abs, i):result() end end\n"
      "do local gone <close> = futures.ThreadPoolExecutor { max_workers = 1 } work(gone, 2) end\n"
      "collectgarbage() collectgarbage()\n"
      "kept = futures.ProcessPoolExecutor { max_workers = 1 } work(kept, 3)\n";
  gilua_Runtime *rt = opened(NULL);
  gilua_Stats s;
  CHECK(runs(rt, two_spinners) && gilua_stats(rt, &s) == 0);
  CHECK(s.switches > 0 && s.threads == 1 && s.held_ns > 0 && s.memory_bytes > 10000 && s.longest_hold_ns > 0);
  CHECK(s.pool_submitted == 0 && s.pool_busy_ns == 0 && runs(rt, two_pools) && gilua_stats(rt, &s) == 0);
  CHECK(s.pool_submitted == 5 && s.pool_finished == 5 && s.pool_queued == 0 && s.pool_busy_ns > 0);
  CHECK(gilua_close(rt) == 0 && gilua_stats(rt, &s) == GILUA_ECLOSING);
}

/* The last bytes of a file, as text. */
static const char *end_of_file(const char *path) {
  static char end[16];
  FILE *f = fopen(path, "r");
  CHECK(f != NULL && fseek(f, -4, SEEK_END) == 0);
  end[fread(end, 1, sizeof end - 1, f)] = '\0';
  fclose(f);
  return end;
}

static void test_recording(void) {
  static const char trace[] = "assert(require('gilua').gil.trace('recorded.json'))";
  gilua_Runtime *rt = opened(NULL);
  CHECK(runs(rt, trace) && gilua_close(rt) == 0 && strstr(end_of_file("recorded.json"), "]") != NULL);
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, trace));
  CHECK(gilua_close(rt) == 0 && strstr(end_of_file("recorded.json"), "]") != NULL);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, trace));
  lua_close(L);
  CHECK(strstr(end_of_file("recorded.json"), "]") != NULL);
  remove("recorded.json");
}

typedef struct Warnings {
  int n;
  char text[4000];
} Warnings;

static void note_warning(void *ud, const char *text, int continues) {
  Warnings *w = ud;
  strncat(w->text, text, sizeof w->text - strlen(w->text) - 1);
  if (!continues) w->n++;
}

static void test_lock_warning(void) {
  static const char cycle[] =
      "local threading, time = require('gilua').threading, require('gilua').time\n"
      "for _ = 1, 2 do\n" /* warned of once a Lock: these are new each time */
      "  local a, b, gate = threading.Lock(), threading.Lock(), threading.Barrier(2)\n"
      "  local function take(x, y) x:acquire() gate:wait() y:acquire() end\n"
      "  local one = threading.Thread{ name = 'one', target = take, args = {a, b} }:start()\n"
      "  local two = threading.Thread{ name = 'two', target = take, args = {b, a} }:start()\n"
      "  while one.waits_for ~= 'lock' or two.waits_for ~= 'lock' do time.sleep(0.001) end\n"
      "  a:release() two:join() b:release() one:join()\n"
      "end";
  gilua_Runtime *rt = opened(NULL);
  Warnings w = {0};
  lua_State *L;
  CHECK(gilua_enter(rt, &L) == 0);
  lua_setwarnf(L, note_warning, &w);
  CHECK(gilua_leave(rt, L) == 0 && runs(rt, cycle));
  CHECK(w.n == 2);
  CHECK(strstr(w.text, "one waits for lock") != NULL && strstr(w.text, "two waits for lock") != NULL);
  CHECK(strstr(w.text, "test:4: in ") != NULL); /* the tracebacks */
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a host runs code, enters, nests, leaves and closes", test_basics(););
  TEST("a file gets its arguments", test_files(););
  TEST("a configuration out of range is refused", test_bad_configuration(););
  TEST("every policy and way of preemption lets two threads run", test_preemption(););
  TEST("policy, interval and stack size arrive", test_fields_arrive(););
  TEST("without preemption only waits let others run", test_no_preemption(););
  TEST("signals of the host stay the host's, SIGINT is taken and given back", test_signals_of_the_host(););
  TEST("the memory limit is a Lua error, with any allocator", test_memory(););
  TEST("safe libraries cannot be left", test_safe_libraries(););
  TEST("errors of threads, and threads that end inside, are told", test_errors_are_told(););
  TEST("closing waits for keepers", test_keep(););
  TEST("gilua_interrupt ends loops and waits of the main thread", test_interrupt(););
  TEST("runtimes nest on one thread", test_runtimes_nest(););
  TEST("a state of the host is attached, detached and closed", test_attach(););
  TEST("objects outlive the runtime that made them", test_objects_after_close(););
  TEST("a host's thread has a function called in the pool of a restricted runtime", test_offload(););
  TEST("a child that is forked from outside has closed runtimes", test_fork_outside(););
  TEST("counters", test_stats(););
  TEST("a recording is complete when its runtime has ended", test_recording(););
  TEST("a cycle over plain Locks is told to the warn function of the host", test_lock_warning(););
  TEST("closing ends in time though a thread stays inside", test_shutdown_timeout(););
  return check_failures != 0;
}
