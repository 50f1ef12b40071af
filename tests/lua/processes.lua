-- What tests of processes share: who is whose child, signals, gates that processes can see.
local ctypes = require "gilua.ctypes"
local time = require "gilua.time"
local t = require "testing"

local libc = ctypes.load("libc.so.6")
local P = { KILL = 9, SEGV = 11, TERM = 15, INT = 2, STOP = 19, CONT = 18 }

local kill = libc:func("kill", "int", { "int", "int" })
local getpid = libc:func("getpid", "int", {})
local getppid = libc:func("getppid", "int", {})

function P.pid() return getpid() end
function P.parent() return getppid() end
function P.kill(pid, sig) return kill(pid, sig or P.KILL) end

-- Ends the calling process at once by a signal.
function P.die(sig)
  kill(getpid(), sig or P.KILL)
  while true do time.sleep(1) end
end

-- state and parent of a process, or nil
local function status(pid)
  local f <close> = io.open("/proc/" .. pid .. "/stat")
  local state, parent = (f and f:read("a") or ""):match("%) (%a) (%d+)")
  return state, tonumber(parent)
end

function P.alive(pid)
  local state = status(pid)
  return state ~= nil and state ~= "Z" and state ~= "X"
end

-- Stops a process, and returns when each of its threads stands still: which one begins the stop is the kernel's choice, and
-- the others go on until that one gets a processor.
function P.stop(pid)
  kill(pid, P.STOP)
  t.eventually(function()
    local tasks <close> = io.popen(("cat /proc/%d/task/*/stat"):format(pid))
    for line in tasks:lines() do
      if not line:find "%) T" then return false end
    end
    return true
  end, "process " .. pid .. " to stop")
end

-- The processes that descend from pid, or from this process.
function P.children(pid)
  local parents, found = {}, {}
  local ls = io.popen("ls /proc")
  local names = ls:read("a")
  ls:close()
  for name in names:gmatch("%d+") do
    local p = tonumber(name)
    local state, parent = status(p)
    if state and state ~= "Z" then parents[p] = parent end
  end
  pid = pid or P.pid()
  for p in pairs(parents) do
    local up = parents[p]
    while up and up ~= pid do up = parents[up] end
    if up then found[#found + 1] = p end
  end
  return found
end

-- Waits until none of the processes is alive.
function P.gone(list)
  t.eventually(function()
    for _, pid in ipairs(list) do if P.alive(pid) then return false end end
    return true
  end, "processes to end")
end

-- A test after which no child is left.
function P.test(name, f)
  t.test(name, function()
    f()
    collectgarbage()
    t.eventually(function() return #P.children() == 0 end, "its processes to end")
  end)
end

-- A gate: P.pass(gate.path, ...) returns ... once gate:open() was called, in any process. It is a file while it is shut, so
-- that nobody who looks late misses that it was opened.
function P.gate()
  local gate = { path = os.tmpname() }
  function gate:open() os.remove(self.path) end
  return setmetatable(gate, { __close = gate.open })
end

function P.pass(path, ...)
  while true do
    local file = io.open(path)
    if not file then return ... end
    file:close()
    time.sleep(0.0005)
  end
end

-- A file that processes write lines into, at its end: append(path, line); lines(path) gives them.
function P.append(path, line)
  local f <close> = io.open(path, "a")
  f:write(line, "\n")
end

function P.lines(path)
  local list = {}
  local f <close> = io.open(path)
  for line in (f and f:lines() or function() end) do list[#list + 1] = line end
  return list
end

return P
