-- gperftools' CPU profiler interrupts whichever thread uses the processor by SIGPROF, thousands of times a second, and looks at its
-- stack: beside it threads take turns, are cancelled, and wait to their deadlines, and the profile is written.
local t = require "testing"
local ctypes = require "gilua.ctypes"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"

ctypes.load():func("setenv", "int", { "char*", "char*", "int" })("CPUPROFILE_FREQUENCY", "4000", 1)
local found, lib = pcall(ctypes.load, "libprofiler.so.0")
if not found then
  print "ok - without gperftools (the package libgoogle-perftools-dev) nothing is asked"
  os.exit(true)
end

local start = lib:func("ProfilerStart", "int", { "char*" })
local stop_profile
do
  local libc = ctypes.load()
  local dup, dup2, close = libc:func("dup", "int", { "int" }), libc:func("dup2", "int", { "int", "int" }), libc:func("close", "int", { "int" })
  local open, stop = libc:func("open", "int", { "char*", "int" }), lib:func("ProfilerStop", "void", {})
  function stop_profile() -- which tells stderr how much it was
    local kept, null = dup(2), open("/dev/null", 1)
    dup2(null, 2)
    stop()
    dup2(kept, 2)
    close(kept)
    close(null)
  end
end
local register = lib:func("ProfilerRegisterThread", "void", {})
local seen -- samples so far; ProfilerState: int enabled, time_t since, char name[1024], int samples
do
  local State = ctypes.struct { { "enabled", "int" }, { "since", "time_t" }, { "name", "char[1024]" }, { "samples", "int" } }
  local state, get = State(), lib:func("ProfilerGetCurrentState", "void", { ctypes.pointer(State) })
  function seen()
    get(state)
    return state.samples
  end
end

local function registered(f)
  return threading.start(function()
    register()
    return f()
  end)
end

local enough = 20

t.test("threads take turns while they are profiled, and the profile has them", function()
  local path = os.tmpname()
  t.equal(start(path), 1)
  local turns, stop, threads = { 0, 0, 0 }, false, {}
  for i = 1, 3 do
    threads[i] = registered(function() while not stop do turns[i] = turns[i] + 1 end end)
    threads[i + 3] = registered(function() while not stop do time.sleep(0.0001) end end)
  end
  t.eventually(function() return turns[1] > 0 and turns[2] > 0 and turns[3] > 0 and seen() >= enough end, "turns and samples")
  stop = true
  t.join(threads)
  stop_profile()
  local f <close> = assert(io.open(path, "rb"))
  local text = f:read("a")
  os.remove(path)
  t.equal(#text > 5 * 8, true) -- more than its header, and the map of the process behind it
  t.equal(text:find("/lib", 1, true) ~= nil, true)
end)

t.test("waits last as long as they should, and threads that compute are cancelled", function()
  local path = os.tmpname()
  t.equal(start(path), 1)
  local n = 0
  local endless = registered(function() while true do n = n + 1 end end)
  local before = seen()
  for _ = 1, 5 do
    local t0 = time.monotonic()
    time.sleep(0.05)
    t.equal(time.monotonic() - t0 >= 0.05, true)
  end
  t.eventually(function() return seen() > before end, "samples")
  endless:cancel()
  t.equal(endless:join(t.limit), true)
  t.equal(gilua.is_error(select(2, pcall(endless.result, endless)), "cancelled"), true)
  stop_profile()
  os.remove(path)
end)

local maps <close> = io.open("/proc/self/maps")
local is_sanitized = maps:read("a"):find("libasan", 1, true) -- its run-time is to be loaded before all others

if not is_sanitized then t.test("a program that is profiled from its beginning to its end writes its profile", function()
  local path, script = os.tmpname(), os.tmpname()
  local f <close> = assert(io.open(script, "w"))
  f:write [[
    local threading, time = require "gilua.threading", require "gilua.time"
    local stop = false
    for i = 1, 3 do threading.start(function() while not stop do end end) end
    time.sleep(0.2)
    stop = true]]
  f:close()
  local command = "CPUPROFILE=%s CPUPROFILE_FREQUENCY=4000 LD_PRELOAD=libprofiler.so.0 %s %s 2>/dev/null"
  t.equal(os.execute(command:format(path, os.getenv "GILUA", script)), true) -- it is written after the runtime has ended
  local profile <close> = assert(io.open(path, "rb"))
  t.equal(#profile:read("a") > 5 * 8, true)
  os.remove(script)
  os.remove(path)
end) end

t.finish()
