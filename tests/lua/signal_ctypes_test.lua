-- Handlers of signals that a script installs through the C library, which is there already: no library is loaded here.
local t = require "testing"
local threading = require "gilua.threading"

local USR1 <const> = 10

local function blocks_usr1()
  for line in io.lines("/proc/thread-self/status") do
    local mask = line:match("^SigBlk:%s*(%x+)")
    if mask then return tonumber(mask, 16) >> (USR1 - 1) & 1 == 1 end
  end
end

t.test("a service signal is open in a thread while nobody handles it", function()
  t.equal(threading.start(blocks_usr1):result(), false)
end)

t.test("one that a handler installed by ctypes handles is left to the main thread", function()
  local ctypes = require "gilua.ctypes"
  local signal = ctypes.load():func("signal", "void*", { "int", "void*" })
  local handler <close> = ctypes.callback(function() end, "void", { "int" })
  local old = signal(USR1, handler)
  local blocked = threading.start(blocks_usr1):result()
  signal(USR1, old)
  t.equal(blocked, true)
  t.equal(threading.start(blocks_usr1):result(), false)
end)

t.finish()
