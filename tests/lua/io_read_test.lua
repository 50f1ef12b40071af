-- Pipes that were opened here: the thread waits in the read itself, and signals end it.
local t = require "testing"
local gilua = require "gilua"
local signal = require "gilua.signal"
local threading = require "gilua.threading"

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/io_read.XXXXXX\""):read("l")
local paths = {}
for i = 1, 60 do paths[i] = dir .. "/pipe" .. i end
assert(os.execute("mkfifo '" .. table.concat(paths, "' '") .. "'"))

-- Both ends of a named pipe: opening either waits for the other.
local function pipe()
  local path = assert(table.remove(paths), "there are more pipes to be made")
  local reading = threading.start(function() return assert(io.open(path, "r")) end)
  local w = assert(io.open(path, "w"))
  w:setvbuf "no"
  return reading:result(), w, path
end

local function pid()
  local f <close> = assert(io.open "/proc/self/stat")
  return math.tointeger(f:read "n")
end

local function descriptors()
  local n, list = 0, io.popen("ls /proc/" .. pid() .. "/fd 2>/dev/null")
  for _ in list:lines() do n = n + 1 end
  list:close()
  return n
end

-- Whether every descriptor of the pipes blocks; each has two.
local function block(pipes)
  local list, want, seen = io.popen(("ls -l /proc/%d/fd 2>/dev/null"):format(pid())), {}, 0
  for _, path in ipairs(pipes) do want[path] = true end
  for line in list:lines() do
    local fd, path = line:match "(%d+) %-> (.*)$"
    local f <close> = want[path] and assert(io.open("/proc/self/fdinfo/" .. fd))
    if f then
      seen = seen + 1
      if tonumber(f:read "a":match "flags:%s*(%d+)", 8) & 2048 ~= 0 then return false end
    end
  end
  list:close()
  return seen == 2 * #pipes
end

local function close(...)
  for _, f in ipairs { ... } do f:close() end
end

local signals = not os.getenv "TSAN_OPTIONS" -- which holds signals back: poll waits there

-- A stream that was never used has no buffer, and its first read is an ordinary one.
local function used_pipe()
  local r, w, path = pipe()
  w:write "first\n"
  t.equal(r:read(), "first")
  return r, w, path
end

-- The same through a command, whose output is a pipe without a name.
local function used_command()
  local path = table.remove(paths)
  local r, w = io.popen(("exec cat <'%s'"):format(path)), assert(io.open(path, "w"))
  w:setvbuf "no"
  w:write "first\n"
  t.equal(r:read(), "first")
  return r, w
end

if signals then
  t.test("a thread that waits for a named pipe, or for what a command says, needs no descriptor of its own", function()
    local ends = {}
    for i = 1, 10 do ends[i] = { (i < 10 and used_pipe or used_command)() } end
    collectgarbage()
    local before, threads = descriptors(), {}
    for i = 1, 10 do
      threads[i] = threading.start(function() return ends[i][1]:read() end)
    end
    for _, thread in ipairs(threads) do t.parked(thread, "fd") end
    local now = descriptors()
    t.equal(now < before + 10, true, "10 more if each had one: " .. now - before)
    for i, thread in ipairs(threads) do
      ends[i][2]:write(i .. "\n")
      t.equal(thread:result(), tostring(i))
      close(ends[i][2], ends[i][1])
    end
  end)
end

t.test("who is cancelled amid a read of a pipe leaves it blocking, and takes nothing that comes later", function()
  local r, w, path = used_pipe()
  for i = 1, 6 do
    local reader = threading.Thread { target = function() return pcall(r.read, r, i % 2 == 0 and "l" or 100000) end }
    reader:start()
    t.parked(reader, "fd")
    reader:cancel()
    local ok, err = reader:result()
    t.equal(ok, false)
    t.equal(gilua.is_error(err, "cancelled"), true)
    t.equal(block { path }, true)
    w:write(i .. "\n")
    t.equal(r:read(), tostring(i))
  end
  close(r, w)
end)

t.test("a cancel amid a line leaves what had come of it to who reads next", function()
  local r, w = used_pipe()
  local reader = threading.start(function() return pcall(r.read, r) end)
  t.parked(reader, "fd")
  w:write "half "
  t.parked(reader, "fd")
  reader:cancel()
  reader:join()
  w:write "and half\n"
  t.equal((r:read()):match "and half$", "and half")
  close(r, w)
end)

t.test("a storm of cancels ends every read of a pipe", function()
  local ends = {}
  for i = 1, 20 do ends[i] = { used_pipe() } end
  for _ = 1, 10 do
    local threads, pipes = {}, {}
    for i = 1, 20 do
      pipes[i] = ends[i][3]
      threads[i] = threading.Thread { target = function() return pcall(ends[i][1].read, ends[i][1]) end }
      threads[i]:start()
    end
    for _, thread in ipairs(threads) do thread:cancel() end -- some before their reads, some amid, some after their signal
    for _, thread in ipairs(threads) do
      pcall(thread.join, thread)
      t.equal(thread:is_alive(), false)
    end
    t.equal(block(pipes), true)
  end
  for i = 1, 20 do
    ends[i][2]:write(i .. "\n")
    t.equal(ends[i][1]:read(), tostring(i))
    close(ends[i][1], ends[i][2])
  end
end)

t.test("what comes by pieces is read as it was written, whatever the buffer", function()
  local text = {}
  for i = 1, 400 do text[i] = i .. (" "):rep(i % 7) .. ("x"):rep(i * 7 % 90) end
  local all = table.concat(text, "\n") .. "\n"
  for _, buffer in ipairs { { "no" }, { "full", 1 }, { "full", 16 }, { "full", 300 }, { "full", 70000 }, { "line", 64 } } do
    local r, w = used_pipe()
    r:setvbuf(table.unpack(buffer))
    local writer = threading.start(function()
      local at, size = 1, 1
      while at <= #all do
        w:write(all:sub(at, at + size - 1))
        at, size = at + size, size * 3 % 251 + 1
      end
      w:close()
    end)
    local got = {}
    for i = 1, #text do
      if i % 5 == 0 then
        got[i] = tostring(r:read "n") .. r:read "l"
      else
        got[i] = r:read(i % 5 == 1 and "l" or "L")
      end
      got[i] = got[i]:gsub("\n$", "")
      t.equal(got[i], text[i])
    end
    t.equal(r:read(0), nil)
    t.equal(r:read "a", "")
    writer:join()
    r:close()
  end
end)

t.test("the end of a pipe ends a wait, and who writes later is heard", function()
  local r, w, path = used_pipe()
  for i = 1, 5 do
    local reader = threading.start(function() return r:read(i % 2 == 0 and "l" or 100000) end)
    t.parked(reader, "fd")
    w:close()
    t.equal(reader:result(), nil)
    w = assert(io.open(path, "w"))
    w:write "more\n"
    w:flush()
    t.equal(r:read(), "more")
  end
  close(r, w)
end)

t.test("two threads that read one pipe get whole lines, all of them once", function()
  local r, w = used_pipe()
  local seen, n = {}, 2000
  local readers = t.start(2, function()
    for line in r:lines() do seen[line] = (seen[line] or 0) + 1 end
  end)
  for i = 1, n do w:write(i .. "\n") end
  w:close()
  t.join(readers)
  for i = 1, n do t.equal(seen[tostring(i)], 1) end
  r:close()
end)

if signals then
  t.test("a storm of signals with handlers in Lua disturbs no read of a pipe and loses no byte", function()
    local r, w = used_pipe()
    local back, forth = used_pipe()
    local heard = 0
    signal.signal("SIGUSR1", function() heard = heard + 1 end)
    local storm = io.popen(("i=0; while [ $i -lt 1000 ]; do kill -USR1 %d; i=$((i+1)); done"):format(pid()))
    local writer = threading.start(function()
      for i = 1, 300 do
        w:write(i .. "\n")
        t.equal(back:read(), tostring(i))
      end
      storm:close()
      w:write "end\n"
    end)
    local n = 0
    for line in r:lines() do
      if line == "end" then break end
      n = n + 1
      t.equal(line, tostring(n))
      forth:write(line .. "\n")
    end
    t.equal(n, 300)
    t.eventually(function() return heard > 0 end, "a signal")
    t.join { writer }
    signal.signal("SIGUSR1", "default")
    close(r, w, back, forth)
  end)

  t.test("a stop and a continuation disturb no read of a pipe", function()
    local r, w = used_pipe()
    local reader = threading.start(function() return r:read() end)
    for _ = 1, 5 do
      t.parked(reader, "fd")
      os.execute(("(kill -STOP %d; kill -CONT %d) & wait"):format(pid(), pid()))
    end
    w:write "still there\n"
    t.equal(reader:result(), "still there")
    close(r, w)
  end)
end

os.execute("rm -r '" .. dir .. "'")
t.finish()
