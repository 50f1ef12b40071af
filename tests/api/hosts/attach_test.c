/* gilua.h: a lua_State that the host has made. */
#include "host.h"

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

/* As the standard library has it at any time: function, mask, count, and events. */
static void test_hooks(void) {
  static const char set[] =
      "lines, counts = 0, 0\n"
      "function on_line() lines = lines + 1 end\n"
      "function on_count() counts = counts + 1 end\n"
      "co = coroutine.create(function() while true do coroutine.yield() end end)\n"
      "debug.sethook(on_line, 'l')\n"
      "debug.sethook(co, on_count, '', 1)\n";
  static const char use[] =
      "local f, mask, count = debug.gethook()\n"
      "assert(f == on_line and mask == 'l' and count == 0)\n"
      "f, mask, count = debug.gethook(co)\n"
      "assert(f == on_count and mask == '' and count == 1)\n"
      "local l, c = lines, counts\n"
      "coroutine.resume(co)\n"
      "assert(lines > l and counts > c)\n";
  lua_State *L = luaL_newstate();
  gilua_Runtime *rt;
  luaL_openlibs(L);
  check_lua(L, luaL_dostring(L, set));
  for (int i = 0; i < 3; i++) {
    check_lua(L, luaL_dostring(L, use));
    CHECK(gilua_attach(L, NULL, &rt) == 0);
    check_lua(L, luaL_dostring(L, use));
    if (i == 1) check_lua(L, luaL_dostring(L, set));
    CHECK(gilua_close(rt) == 0);
  }
  check_lua(L, luaL_dostring(L, use));
  check_lua(L, luaL_dostring(L, "debug.sethook() debug.sethook(co) assert(not debug.gethook() and not debug.gethook(co))"));
  lua_close(L);
}

/* Objects of every kind outlive the runtime; each is used and collected afterwards. */
static void test_objects_after_close(void) {
  static const char make[] =
      "local gilua = require 'gilua'\n"
      "local T, Q, F, M = gilua.threading, gilua.queue, gilua.futures, gilua.multiprocessing\n"
      "local thread = T.start(function() return 1 end) thread:join()\n"
      "ended, event = thread, T.Event() event:set()\n"
      "local threads, processes = F.ThreadPoolExecutor { max_workers = 2 }, F.ProcessPoolExecutor { max_workers = 1 }\n"
      "local future, far = threads:submit(function() return 1 end), processes:submit(function() return 1 end)\n"
      "future:result() far:result() future_of_before = future\n"
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
  static const char ask[] = "assert(event:is_set() and event:wait() and not ended:is_alive() and future_of_before:done())";
  static const char drop[] = "old, objects = objects, nil collectgarbage() collectgarbage()";
  lua_State *L = luaL_newstate();
  gilua_Runtime *rt;
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, make));
  CHECK(gilua_close(rt) == 0);
  check_lua(L, luaL_dostring(L, ask)); /* what waits for nobody needs no runtime */
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

/* A program that knows nothing of gilua uses two states by turns, and both have required it. */
static void test_two_states(void) {
  static const char use[] = "local g = require 'gilua' assert(g.threading.start(function() return 1 end):result() == 1)",
                    other[] = "local g = require 'gilua'\n"
                              "for _, f in ipairs { function() g.threading.start(type, 1) end, function() g.time.sleep(0) end,\n"
                              "                     function() g.threading.Lock():acquire() end } do\n"
                              "  for _, call in ipairs { pcall, coroutine.wrap(function(...) return pcall(...) end) } do\n"
                              "    local ok, e = call(f) assert(not ok and e:find 'another runtime', e)\n"
                              "  end\n"
                              "end\n"
                              "assert(coroutine.wrap(function() coroutine.yield(1) end)() == 1 and require 'string' == string)";
  lua_State *a = luaL_newstate(), *b = luaL_newstate();
  gilua_Runtime *of_a, *of_b;
  luaL_openlibs(a);
  luaL_openlibs(b);
  CHECK(gilua_attach(a, NULL, &of_a) == 0);
  check_lua(a, luaL_dostring(a, use));
  CHECK(gilua_attach(b, NULL, &of_b) == 0);
  for (int i = 0; i < 2; i++) {
    check_lua(b, luaL_dostring(b, use));
    check_lua(a, luaL_dostring(a, other));
  }
  lua_close(b);
  check_lua(a, luaL_dostring(a, use));
  lua_close(a);
}

/* Results that nobody asked for before, callbacks that raise: also while the thread is inside another runtime. */
static void test_futures_after_close(bool inside_another) {
  static const char make[] = "local F = require 'gilua'.futures\n"
                             "local threads, processes = F.ThreadPoolExecutor(1), F.ProcessPoolExecutor(1)\n"
                             "unread, done = processes:submit(math.abs, -3), threads:submit(math.abs, -4)\n"
                             "quiet = processes:submit(math.abs, -5)\n",
                    use[] = "assert(quiet:done() and not quiet:cancelled() and unread:result() == 3 and done:result() == 4)\n"
                            "for _, f in ipairs { unread, done, quiet } do f:add_done_callback(error) end";
  lua_State *L = luaL_newstate(), *M;
  gilua_Runtime *rt, *other = NULL;
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, make));
  CHECK(gilua_close(rt) == 0);
  if (inside_another) CHECK((other = opened(NULL)) != NULL && gilua_enter(other, &M) == 0);
  check_lua(L, luaL_dostring(L, use));
  if (inside_another) CHECK(gilua_leave(other, M) == 0 && gilua_close(other) == 0);
  lua_close(L);
}

static int l_close(lua_State *L) {
  lua_pushinteger(L, gilua_close(*(gilua_Runtime **)lua_touserdata(L, lua_upvalueindex(1))));
  lua_setglobal(L, "closed");
  return 0;
}

static void push_closer(lua_State *L, gilua_Runtime **rt) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushlightuserdata(L, rt);
  lua_pushcclosure(L, l_close, 1);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
}

static void test_close_in_a_finalizer(void) {
  static const char begin[] = "local g = require 'gilua' gate = g.threading.Event()\n"
                            "thread = g.threading.start(function() gate:wait() end)",
                    end[] = "assert(thread:is_alive()) gate:set() assert(thread:join())";
  lua_State *L = luaL_newstate();
  gilua_Runtime *rt;
  luaL_openlibs(L);
  CHECK(gilua_attach(L, NULL, &rt) == 0);
  check_lua(L, luaL_dostring(L, begin));
  push_closer(L, &rt);
  lua_pop(L, 1);
  lua_gc(L, LUA_GCCOLLECT);
  lua_getglobal(L, "closed");
  CHECK(lua_tointeger(L, -1) == GILUA_EFINALIZER);
  check_lua(L, luaL_dostring(L, end)); /* nothing has happened */
  push_closer(L, &rt);                 /* called by lua_close */
  lua_setglobal(L, "closer");
  lua_close(L);
  CHECK(gilua_close(rt) == GILUA_ECLOSING);
}

int main(void) {
  TEST("a state of the host is attached, detached and closed", test_attach(););
  TEST("hooks of debug.sethook go on when the runtime comes and when it has gone", test_hooks(););
  TEST("objects outlive the runtime that made them", test_objects_after_close(););
  TEST("futures that outlive the runtime are read then, and their callbacks called", test_futures_after_close(false););
  TEST("so they are inside another runtime", test_futures_after_close(true););
  TEST("gilua_close in a finalizer is refused", test_close_in_a_finalizer(););
  TEST("a state is an error to use while its thread is inside another runtime, but for plain Lua", test_two_states(););
  return check_failures != 0;
}
