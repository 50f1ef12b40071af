/* gilua.h: memory and what scripts may reach. */
#include "host.h"

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
  /* a file is not gathered beyond what may become a string, and what was taken is there for the next read */
  CHECK(runs(rt, "local f = io.tmpfile() f:seek('set', 1 << 26) f:write 'x' f:seek 'set'\n"
                 "for _, how in ipairs{'l', 'a', 1 << 25} do\n"
                 "  local ok, e = pcall(f.read, f, how) assert(not ok and e == 'not enough memory' and f:seek() == 0, how)\n"
                 "end\n"
                 "f:seek('set', (1 << 26) - (5 << 20)) assert(#f:read 'a' == (5 << 20) + 1)"));
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

static void test_sockets_of_safe_libraries(void) {
  gilua_Config config = {.libraries = GILUA_LIB_SAFE | GILUA_LIB_SOCKETS};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "socket = require 'gilua.socket' u = socket.udp4() assert(u:getfd() >= 0)"
                 "assert(socket.http.request and socket.url.parse 'http://a/b'.host == 'a')"));
  CHECK(runs(rt, "for _, s in ipairs{socket.tcp4(), u, socket.bind('127.0.0.1', 0)} do assert(not s.setfd)\n"
                 "for _, t in pairs(getmetatable(s)) do assert(type(t) ~= 'table' or not t.setfd) end end"));
  CHECK(runs(rt, "assert(not pcall(require, 'socket.core') and not pcall(require, 'socket.serial') and not io)"));
  CHECK(gilua_close(rt) == 0);
}

static void test_mode_of_load(void) {
  gilua_Config config = {.libraries = GILUA_LIB_SAFE};
  gilua_Runtime *rt = opened(&config);
  CHECK(runs(rt, "assert(not load('return 1', 'x', 'b') and not load('return 1', 'x', '') and load('return 1', 'x', 'bt')() == 1)"
                 "assert(not pcall(load, 'return 1', 'x', {}))"));
  CHECK(gilua_close(rt) == 0);
}

int main(void) {
  TEST("a restricted runtime has sockets, and none of the host's descriptors", test_sockets_of_safe_libraries(););
  TEST("a restricted load keeps the mode that it was given", test_mode_of_load(););
  TEST("the memory limit is a Lua error, with any allocator", test_memory(););
  TEST("safe libraries cannot be left", test_safe_libraries(););
  return check_failures != 0;
}
