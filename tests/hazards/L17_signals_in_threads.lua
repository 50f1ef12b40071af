-- L17: what libraries do with signals in threads, and what C code spawns there. The policy is in runtime/os/signals.h.
-- arg[1] is the module of hazard_module.c.
local t = require "testing"
local threading = require "gilua.threading"
local ctypes = require "gilua.ctypes"
local module = assert(package.loadlib("./" .. arg[1], "luaopen_hazard"))()

if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local URG, HUP, USR1, TERM, PIPE, XCPU, VTALRM, PROF, PWR, RT = 23, 1, 10, 15, 13, 24, 26, 27, 30, 40

local function blocked_in_a_command()
  local path = os.tmpname()
  ctypes.load():func("system", "int", {"char*"})("exec grep SigBlk: /proc/self/status >" .. path)
  local f <close> = io.open(path)
  os.remove(path)
  return tonumber(f:read("a"):match("SigBlk:%s*(%x+)"), 16)
end

t.test("L17 a command that C code starts in a thread blocks nothing", function()
  t.equal(threading.start(blocked_in_a_command):result(), 0)
end)

t.test("L17 a child that C code forks in a thread blocks nothing, whoever handles signals", function()
  module.take(USR1)
  local libc = ctypes.load()
  local pid = threading.start(function()
    local pid = libc:func("fork", "int", {})()
    if pid == 0 then
      for line in io.lines("/proc/self/status") do
        local mask = line:match("^SigBlk:%s*(%x+)")
        if mask then os.exit(tonumber(mask, 16) == 0, false) end
      end
    end
    return pid
  end):result()
  t.equal(pid > 0, true)
  local path = "/proc/" .. pid .. "/stat"
  local code
  t.eventually(function() -- a zombie shows its exit code to its parent
    local f <close> = io.open(path)
    local text = f:read("a")
    code = text:match("(%d+)%s*$")
    return text:match("%) (%a)") == "Z"
  end)
  t.equal(code, "0")
end)

t.test("L17 handlers of profilers, collectors and runtimes run in threads", function()
  for _, signal in ipairs { PIPE, XCPU, VTALRM, PROF, PWR, RT } do
    module.take(signal)
    t.equal(threading.start(module.send, signal):result(), true, "signal " .. signal)
  end
end)

t.test("L17 service signals that somebody handles are left to the main thread", function()
  module.take(HUP)
  module.take(TERM)
  t.equal(threading.start(module.send, HUP):result(), false)
  t.equal(threading.start(module.send, TERM):result(), false)
  t.equal(module.send(TERM), true)
end)

t.test("L17 threads take turns after a library took our signal, and its handler hears what is meant for it", function()
  for _ = 1, 3 do
    module.take(URG)
    local turns, stop = 0, false
    local other = threading.start(function() while not stop do turns = turns + 1 end end)
    local late = os.clock() + t.limit
    while turns == 0 and os.clock() < late do end
    stop = true
    t.equal(turns > 0, true)
    other:join()
    t.equal(module.send(URG), true)
  end
end)

t.finish()
