-- Up to 10 000 signals, each handled without SA_RESTART, while the main thread reads and writes: nothing is lost or repeated.
-- usage: io_storm_test.lua LIBRARY
local t = require "testing"
local ctypes = require "gilua.ctypes"
local threading = require "gilua.threading"
t.find_system_modules()
local has_socket, socket = pcall(require, "gilua.socket")

-- ThreadSanitizer holds a signal back until the next call that it knows.
if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local MANY, SOME = t.hostile and 200 or 10000, t.hostile and 50 or 1000

local library = ctypes.load(arg[1]:find("/", 1, true) == 1 and arg[1] or "./" .. arg[1])
local begin = library:func("storm_begin", "int", { "long" })
local over = library:func("storm_over", "int", {})
local finish = library:func("storm_end", "long", {})
local nonblocking = library:func("storm_nonblocking", "int", { "char*" })

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/io_storm.XXXXXX\""):read("l")
local path = dir .. "/pipe"

-- Calls step(i), i from 1 on, until the storm of n signals is over; returns the last i.
local function in_storm(n, step)
  t.equal(begin(n), 0)
  local i = 0
  repeat
    i = i + 1
    step(i)
  until over() ~= 0
  t.equal(finish(), n, "signals")
  return i
end

-- Both ends of a named pipe.
local function pipe()
  assert(os.execute("mkfifo " .. path))
  local reading = threading.start(function() return assert(io.open(path, "r")) end)
  local w = assert(io.open(path, "w"))
  return reading:result(), w
end

local function line(i) return i .. " " .. ("x"):rep(i * 7 % 200) end

-- main reads what a thread writes, until main has had enough of signals
local function check_reading(signals, read, write, close)
  local stop = false
  local writer = threading.start(function()
    local i = 0
    repeat
      i = i + 1
      write(line(i) .. "\n")
    until stop
    close()
    return i
  end)
  local n = in_storm(signals, function(i) t.equal(read(), line(i)) end)
  stop = true
  for got in read do
    n = n + 1
    t.equal(got, line(n))
  end
  t.equal(writer:result(), n)
end

-- a thread reads what main writes
local function check_writing(signals, read, write, close)
  local reader = threading.start(function()
    local n = 0
    for got in read do
      n = n + 1
      t.equal(got, line(n))
    end
    return n
  end)
  local n = in_storm(signals, function(i) write(line(i) .. "\n") end)
  close()
  t.equal(reader:result(), n)
end

for _, kind in ipairs { "blocks", "does not block" } do
  for what, check in pairs { reads = check_reading, writes = check_writing } do
    for _, mode in ipairs { "full", "no" } do
      t.test("main " .. what .. " a pipe that " .. kind .. ", the writer's buffer: " .. mode, function()
        local r, w = pipe()
        w:setvbuf(mode)
        if kind == "does not block" then t.equal(nonblocking(path), 2) end
        check(kind == "blocks" and MANY or SOME, function() return r:read("l") end, function(text) assert(w:write(text)) end,
          function() assert(w:close()) end)
        r:close()
        os.remove(path)
      end)
    end
  end
end

t.test("main reads numbers and blocks of a pipe", function()
  local r, w = pipe()
  local stop = false
  local writer = threading.start(function()
    local i = 0
    repeat
      i = i + 1
      w:write(i, " ", ("y"):rep(i * 13 % 6000), ";")
    until stop
    w:close()
  end)
  in_storm(SOME, function(i)
    t.equal(r:read("n"), i)
    t.equal(r:read(1), " ")
    local n = i * 13 % 6000
    t.equal(r:read(n), n > 0 and ("y"):rep(n) or "")
    t.equal(r:read(1), ";")
  end)
  stop = true
  r:read("a")
  writer:join()
  r:close()
  os.remove(path)
end)

t.test("main writes, seeks in and reads a file of the disk", function()
  local name = dir .. "/file"
  local block = ("0123456789abcdef"):rep(4096)
  in_storm(SOME, function(i)
    local f = assert(io.open(name, "w+"))
    assert(f:write(line(i), "\n", block, block))
    t.equal(f:seek("set"), 0)
    t.equal(f:read("l"), line(i))
    t.equal(f:read(#block) == block, true)
    t.equal(f:read("a") == block, true)
    assert(f:close())
    local n = 0
    for l in io.lines(name) do n = n + #l end
    t.equal(n, #line(i) + 2 * #block)
  end)
end)

t.test("main runs commands", function()
  in_storm(SOME, function(i)
    t.equal(select(3, os.execute("exit " .. i % 3)), i % 3)
    local p = io.popen("echo " .. i .. "; exit 3")
    t.equal(p:read("n"), i)
    t.equal(select(3, p:close()), 3)
  end)
end)

if has_socket then
  local function pair()
    local s = assert(socket.bind("127.0.0.1", 0))
    local a = assert(socket.connect("127.0.0.1", (select(2, s:getsockname()))))
    local b = assert(s:accept())
    s:close()
    return a, b
  end

  for what, check in pairs { reads = check_reading, writes = check_writing } do
    t.test("main " .. what .. " a socket", function()
      local a, b = pair()
      check(MANY, function() return (b:receive()) end, function(text) assert(a:send(text)) end, function() a:close() end)
      b:close()
    end)
  end

  t.test("main accepts, connects and selects", function()
    local s = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, s:getsockname())
    in_storm(SOME, function(i)
      local a = assert(socket.connect("127.0.0.1", port))
      t.equal(#socket.select({ s }, nil), 1)
      local b = assert(s:accept())
      a:send(i .. "\n")
      t.equal(#socket.select({ b }, nil), 1)
      t.equal(b:receive(), tostring(i))
      a:close()
      b:close()
    end)
    s:close()
  end)
end

os.execute("rm -r " .. dir)
t.finish()
