-- Waits for pipes, named pipes, children and files in use: others run meanwhile, and cancel and finalizers end them well.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/io_wait.XXXXXX\""):read("l")

local function quote(s) return "'" .. s .. "'" end

local function fifo(name)
  local path = dir .. "/" .. name
  os.remove(path)
  assert(os.execute("mkfifo " .. quote(path)))
  return path
end

-- Both ends of a pipe in this process: opening either waits for the other.
local function pipe()
  local path = fifo "pipe"
  local reading = threading.start(function() return assert(io.open(path, "r")) end)
  local w = assert(io.open(path, "w"))
  local r = reading:result()
  os.remove(path)
  return r, w
end

local function cancelled(thread)
  thread:cancel()
  t.equal(thread:join(t.limit), true)
  t.raises_kind("cancelled", thread.result, thread)
end

t.test("a thread gives itself what it reads from a pipe: the reader does not hold the lock", function()
  local r, w = pipe()
  local reader = threading.start(function() return r:read("l") end)
  t.parked(reader, "fd")
  w:write("hello\n")
  w:flush()
  t.equal(reader:result(), "hello")
  r:close()
  w:close()
end)

t.test("each format waits without the lock", function()
  for format, text in pairs { l = "a line\n", L = "a line\n", n = "12.5 ", [7] = "1234567", [100000] = ("x"):rep(100000),
    [0] = "!", a = "all of it" } do
    local r, w = pipe()
    local reader = threading.start(function() return r:read(format) end)
    t.parked(reader, "fd")
    w:write(text:sub(1, 3))
    w:flush()
    if format ~= 0 then t.parked(reader, "fd") end
    w:write(text:sub(4))
    w:close()
    local want = format == "l" and "a line" or format == "n" and 12.5 or format == 0 and "" or text
    t.equal(reader:result(), want, tostring(format))
    r:close()
  end
end)

t.test("two commands run at the same time: each waits for the other", function()
  local here, there = quote(fifo "here"), quote(fifo "there")
  local commands = { "echo >" .. here .. "; read _ <" .. there, "read _ <" .. here .. "; echo >" .. there }
  t.join(t.start(2, function(i) assert(os.execute(commands[i])) end))
end)

t.test("threads run while another waits in os.execute, in popen's read and in its close", function()
  local path = fifo "go"
  for _, wait in ipairs {
    function() return os.execute("read x <" .. quote(path)) end,
    function() local p <close> = io.popen("read x <" .. quote(path) .. "; echo done") return p:read("l") == "done" end,
    function() return io.popen("read x <" .. quote(path), "w"):close() end,
  } do
    local waiter = threading.start(wait)
    local f = io.open(path, "w") -- waits for the shell
    t.parked(waiter, "fd")
    f:write("go\n")
    f:close()
    t.equal(waiter:result(), true)
  end
end)

-- A command that sleeps; the function returned ends it.
local function sleeper()
  local path = dir .. "/pid"
  os.remove(path)
  return "echo $$ >" .. quote(path) .. ".new; mv " .. quote(path) .. ".new " .. quote(path) .. "; exec sleep 1000", function()
    local pid = t.eventually(function()
      local f <close> = io.open(path)
      return f and f:read("l")
    end, "the command to start")
    assert(os.execute("kill " .. pid))
  end
end

local PIPE_SIZE = 65536 -- what Linux gives a pipe

local function fill(w)
  for _ = 1, PIPE_SIZE // 4096 do w:write(("x"):rep(4096)) end
  w:flush()
end

local waits = {
  ["a read of a pipe"] = function(path)
    local r, w = pipe()
    return function() r:read("l") end, function()
      w:write("kept\n")
      w:flush()
      t.equal(r:read("l"), "kept")
      r:close()
      w:close()
    end
  end,
  ["lines of a pipe"] = function()
    local r, w = pipe()
    return function() for _ in r:lines() do end end, function() r:close() w:close() end
  end,
  ["a read of all of a pipe"] = function()
    local r, w = pipe()
    w:write("part")
    w:flush()
    return function() r:read("a") end, function()
      w:close()
      t.equal(r:read("a"), "part", "what was read is still there")
      r:close()
    end
  end,
  ["a read of a block of a pipe"] = function()
    local r, w = pipe()
    local part = ("0123456789"):rep(1500)
    w:write(part)
    w:flush()
    return function() r:read(20000) end, function()
      w:write("end")
      w:close()
      t.equal(r:read("a"), part .. "end", "what was read is still there")
      r:close()
    end
  end,
  ["a read of a long line"] = function()
    local r, w = pipe()
    local part = ("0123456789"):rep(3000)
    w:write(part)
    w:flush()
    return function() r:read("l") end, function()
      w:write("end\nnext\n")
      w:close()
      t.equal(r:read("l"), part .. "end", "what was read is still there")
      t.equal(r:read("a"), "next\n")
      r:close()
    end
  end,
  ["a read of a number"] = function()
    local r, w = pipe()
    w:write("-12")
    w:flush()
    return function() r:read("n") end, function()
      w:write("34 ")
      w:close()
      t.equal(r:read("n"), -1234, "what was read is still there")
      r:close()
    end
  end,
  ["a write to a full pipe"] = function()
    local r, w = pipe()
    return function() while true do w:write(("x"):rep(1000)) end end, function()
      local reader = threading.start(function() return r:read("a") end)
      w:close()
      t.equal(reader:result():match("[^x]"), nil)
      r:close()
    end
  end,
  ["a large write to a full pipe"] = function()
    local r, w = pipe()
    return function() w:write(("x"):rep(1 << 20)) end, function()
      w:setvbuf("no")
      local reader = threading.start(function() return r:read("a") end)
      w:close()
      t.equal(reader:result():match("[^x]"), nil)
      r:close()
    end
  end,
  ["a flush to a full pipe"] = function()
    local r, w = pipe()
    fill(w)
    w:write(("x"):rep(1000))
    return function() w:flush() end, function()
      local reader = threading.start(function() return r:read("a") end)
      w:close()
      t.equal(#reader:result(), PIPE_SIZE + 1000, "nothing is lost")
      r:close()
    end
  end,
  ["a close of a full pipe"] = function()
    local r, w = pipe()
    fill(w)
    w:write(("x"):rep(1000))
    return function() w:close() end, function()
      t.equal(io.type(w), "closed file")
      r:close()
    end
  end,
  ["a read of a command"] = function()
    local command, stop = sleeper()
    local p = io.popen(command)
    return function() p:read("l") end, function()
      stop()
      t.equal(select(2, p:close()), "signal")
    end
  end,
  ["a close of a command"] = function()
    local command, stop = sleeper()
    local p = io.popen(command, "w")
    return function() p:close() end, function()
      t.equal(io.type(p), "closed file")
      stop()
    end
  end,
  ["os.execute"] = function()
    local command, stop = sleeper()
    return function() os.execute(command) end, stop
  end,
}

for name, make in pairs(waits) do
  t.test("a thread is cancelled in " .. name, function()
    local wait, check = make()
    local thread = threading.start(wait)
    t.parked(thread, "fd")
    cancelled(thread)
    if check then check() end
  end)
end

for _, mode in ipairs { "r", "w" } do
  t.test("a thread is cancelled in the open of a named pipe for " .. mode, function()
    local path = fifo "nobody"
    local gate = threading.Event()
    local thread = threading.start(function()
      gate:set()
      return io.open(path, mode)
    end)
    gate:wait(t.limit)
    time.sleep(0.01) -- most of the times it is in open then; it must end wherever it is
    cancelled(thread)
  end)
end

t.test("a file that another thread uses is not closed", function()
  local r, w = pipe()
  local reader = threading.start(function() return r:read("l") end)
  t.parked(reader, "fd")
  local ok, reason = r:close()
  t.equal(ok, nil)
  t.equal(reason, "file is in use")
  t.equal(select(2, io.close(r)), "file is in use")
  t.equal(io.type(r), "file")
  do local _ <close> = r end
  t.equal(io.type(r), "file")
  w:write("still open\n")
  w:flush()
  t.equal(reader:result(), "still open")
  t.equal(r:close(), true)
  w:close()
end)

t.test("a command that another thread reads is not closed", function()
  local p = io.popen("read x; echo $x", "w")
  p:close()
  p = io.popen("exec cat " .. quote(fifo "slow"))
  local reader = threading.start(function() return p:read("a") end)
  t.parked(reader, "fd")
  t.equal(select(2, p:close()), "file is in use")
  io.open(dir .. "/slow", "w"):close()
  t.equal(reader:result(), "")
  t.equal(p:close(), true)
end)

t.test("a thread that waits for a file in use is cancelled, the one that uses it is not", function()
  local r, w = pipe()
  local first = threading.start(function() return r:read("l") end)
  t.parked(first, "fd")
  local second = threading.start(function() return r:read("l") end)
  t.parked(second, "file")
  cancelled(second)
  w:write("mine\n")
  w:flush()
  t.equal(first:result(), "mine")
  r:close()
  w:close()
end)

t.test("readers of one file come first come first served", function()
  local r, w = pipe()
  local readers = {}
  for i = 1, 5 do
    readers[i] = threading.start(function() return r:read("l") end)
    t.parked(readers[i], i == 1 and "fd" or "file")
  end
  w:write("1\n2\n3\n4\n5\n")
  w:flush()
  for i = 1, 5 do t.equal(readers[i]:result(), tostring(i)) end
  r:close()
  w:close()
end)

-- Runs f in a finalizer; returns what it returned or raised.
local function in_finalizer(f)
  local results
  setmetatable({}, { __gc = function() results = table.pack(pcall(f)) end })
  collectgarbage()
  return table.unpack(results, 1, results.n)
end

t.test("a read that would wait is an error in a finalizer, and one that would not is none", function()
  local r, w = pipe()
  local ok, err = in_finalizer(function() return r:read("l") end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
  w:write("there\n")
  w:flush()
  t.equal(select(2, in_finalizer(function() return r:read("l") end)), "there")
  r:close()
  w:close()
end)

t.test("a write that would wait is an error in a finalizer", function()
  local r, w = pipe()
  w:setvbuf("no")
  local ok, err = in_finalizer(function() while true do w:write(("x"):rep(4096)) end end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
  r:close()
  w:close()
end)

t.test("os.execute that would wait is an error in a finalizer", function()
  local ok, err = in_finalizer(function() os.execute("sleep 0.1") end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
end)

t.test("a finalizer reads no file in which another thread reads, and writes one in which it writes", function()
  local r, w = pipe()
  local reader = threading.start(function() return r:read("l") end)
  t.parked(reader, "fd")
  local ok, err = in_finalizer(function() return r:read("l") end)
  t.equal(ok, false)
  t.equal(gilua.is_error(err, "invalid_state"), true, tostring(err))
  t.equal(in_finalizer(function() w:write("by a finalizer\n") w:flush() end), true)
  t.equal(reader:result(), "by a finalizer")
  r:close()
  w:close()
end)

t.test("threads run while the program reads its script", function()
  local path = fifo "script"
  local writes = string.format("local f = io.open('%s', 'w') f:write 'print [[by a thread]]' f:close()", path)
  local text = t.run({ "-e", "require 'gilua.threading'.start(function() " .. writes .. " end)", path },
    { before = "timeout -s KILL 250 " })
  t.equal(text, "by a thread\n")
end)

t.test("a command that is collected is not waited for while other threads live", function()
  local gate = threading.Event()
  local other = threading.start(gate.wait, gate)
  local command, stop = sleeper()
  do local _ = io.popen(command) end
  local t0 = time.monotonic()
  collectgarbage()
  t.near(time.monotonic() - t0, 0, 10, "seconds")
  stop()
  gate:set()
  other:join()
end)

t.test("a file that is collected is closed, and its data written", function()
  local path = dir .. "/collected"
  do io.open(path, "w"):write("kept") end
  collectgarbage()
  local f <close> = io.open(path)
  t.equal(f:read("a"), "kept")
end)

t.test("cancel ends a read that comes to no end, though it waits for nobody", function()
  for _, what in ipairs { 1 << 30, "a", "l" } do
    local f <close> = io.open(what == "l" and "/dev/zero" or "/dev/urandom")
    local begun = threading.Event()
    local reader = threading.start(function()
      begun:set()
      return #f:read(what)
    end)
    begun:wait()
    reader:cancel()
    t.raises_kind("cancelled", reader.result, reader)
  end
end)

os.execute("rm -r " .. quote(dir))
t.finish()
