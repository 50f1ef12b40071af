-- Threads that share files: whole lines, nothing lost or repeated, whatever interrupts their system calls.
local t = require "testing"
local gil = require "gilua.gil"
local threading = require "gilua.threading"

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/io_thread.XXXXXX\""):read("l")
local path = dir .. "/file"

local THREADS, LINES = 4, 500

-- Every line i of thread n must be there once, whole, and in order for each thread.
local function check_lines(name, text)
  local next_of = {}
  for line in text:gmatch("([^\n]*)\n") do
    local n, i, rest = line:match("^(%d+) (%d+) (x*)$")
    if not n then error(name .. ": a broken line: " .. line:sub(1, 100)) end
    t.equal(#rest, (i * 7) % 300, name)
    t.equal(tonumber(i), (next_of[n] or 0) + 1, name)
    next_of[n] = tonumber(i)
  end
  for n = 1, THREADS do t.equal(next_of[tostring(n)], LINES, name) end
end

local function write_lines(n, write)
  for i = 1, LINES do write(n, i, ("x"):rep((i * 7) % 300)) end
end

for _, mode in ipairs { "full", "line", "no" } do
  t.test("threads write whole lines to one file, buffered: " .. mode, function()
    t.at_intervals(function()
      local f = assert(io.open(path, "w"))
      f:setvbuf(mode)
      t.join(t.start(THREADS, write_lines, function(n, i, rest) f:write(n, " ", i, " ", rest, "\n") end))
      f:close()
      local back <close> = io.open(path)
      check_lines(mode, back:read("a"))
    end, { 1e-6, 2e-4 })
  end)

  t.test("threads write whole lines to one pipe, buffered: " .. mode, function()
    local p = io.popen("cat >" .. path, "w")
    p:setvbuf(mode)
    t.join(t.start(THREADS, write_lines, function(n, i, rest) p:write(n, " ", i, " ", rest, "\n") end))
    t.equal(p:close(), true)
    local back <close> = io.open(path)
    check_lines(mode, back:read("a"))
  end)
end

t.test("threads print whole lines", function()
  local script = dir .. "/print.lua"
  local f = io.open(script, "w")
  f:write(string.format([[
    local threading = require "gilua.threading"
    require("gilua.gil").switch_interval(1e-6)
    local text = { __tostring = function(s) return s.rest end }
    local threads = {}
    for n = 1, %d do
      threads[n] = threading.start(function()
        for i = 1, %d do print(n .. " " .. i .. " " .. ("x"):rep((i * 7) %% 300), setmetatable({ rest = "tail" }, text)) end
      end)
    end
    for _, thread in ipairs(threads) do thread:result() end
  ]], THREADS, LINES))
  f:close()
  for _, to in ipairs { " | cat >", " >" } do
    assert(os.execute(os.getenv("GILUA") .. " " .. script .. to .. path))
    local back <close> = io.open(path)
    local text, n = back:read("a"):gsub("\ttail\n", "\n")
    t.equal(n, THREADS * LINES)
    check_lines("print" .. to, text)
  end
end)

t.test("threads share the lines of one file: each line goes to one of them, whole", function()
  local f = io.open(path, "w")
  for i = 1, 5000 do f:write(i, " ", ("x"):rep(i % 100), "\n") end
  f:close()
  for _, from in ipairs { function() return io.open(path) end, function() return io.popen("cat " .. path) end } do
    t.at_intervals(function()
      local shared, seen = from(), {}
      t.join(t.start(THREADS, function()
        for line in shared:lines() do
          local i, rest = line:match("^(%d+) (x*)$")
          t.equal(#rest, i % 100)
          t.equal(seen[i], nil)
          seen[i] = true
        end
      end))
      shared:close()
      for i = 1, 5000 do t.equal(seen[tostring(i)], true) end
    end, { 1e-6, 2e-4 })
  end
end)

t.test("10 000 signals during reads of a pipe lose and repeat nothing", function()
  local main = threading.main_thread().native_id
  local storm = io.popen("i=0; while [ $i -lt 10000 ]; do kill -URG " .. main .. "; kill -WINCH " .. main ..
    "; i=$((i + 2)); done; echo over")
  local over = threading.start(function() return storm:read("l") end)
  local p = io.popen("i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done")
  for i = 0, 2999 do t.equal(p:read("n"), i) end
  p:read("l")
  p:close()
  local cat = io.popen("cat >" .. path, "w")
  local text = ("0123456789\n"):rep(1000)
  for _ = 1, 100 do cat:write(text) end
  t.equal(cat:close(), true)
  t.equal(over:result(), "over")
  storm:close()
  local back <close> = io.open(path)
  t.equal(back:read("a") == text:rep(100), true)
end)

-- A program whose standard input and output somebody has made non-blocking.
t.test("descriptors that do not block are waited for", function()
  local script = dir .. "/copy.py"
  local f = io.open(script, "w")
  f:write [[
import fcntl, os, subprocess, sys, time
in_r, in_w = os.pipe()
out_r, out_w = os.pipe()
for fd in (in_r, out_w):
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
p = subprocess.Popen([sys.argv[1], "-e", "for l in io.lines() do print(l) io.write(('y'):rep(10000), '\\n') end"],
                     stdin=in_r, stdout=out_w)
os.close(in_r), os.close(out_w)
time.sleep(0.05)
for i in range(20): os.write(in_w, b"%d\n" % i)
os.close(in_w)
time.sleep(0.05)
data = b""
while True:
    d = os.read(out_r, 4096)
    if not d: break
    data += d
print(data == b"".join(b"%d\n" % i + b"y" * 10000 + b"\n" for i in range(20)), p.wait())
]]
  f:close()
  local p <close> = io.popen("python3 " .. script .. " " .. os.getenv("GILUA") .. " 2>&1")
  t.equal(p:read("a"), "True 0\n")
end)

t.test("a thread that computes goes on while others read and write", function()
  local go = dir .. "/go"
  assert(os.execute("mkfifo " .. go))
  local p = io.popen("read _ <" .. go .. "; echo done")
  local worker = threading.start(function()
    t.parked(threading.main_thread(), "fd")
    for _ = 1, 1000 do end
    io.open(go, "w"):close() -- nothing else ends the read
  end)
  t.equal(p:read("l"), "done")
  p:close()
  t.join { worker }
end)

t.test("files are opened, read and closed by many threads at once", function()
  t.at_intervals(function()
    t.join(t.start(8, function(n)
      local mine = path .. n
      for i = 1, 50 do
        local f = assert(io.open(mine, "w"))
        f:write(n, "\n", i, "\n")
        f:close()
        for line in io.lines(mine) do t.equal(tonumber(line), n) break end
        local g <close> = io.open(mine)
        t.equal(g:read("n"), n)
        t.equal(g:read("n"), i)
        t.equal(g:seek("set"), 0)
        t.equal(g:read("a"), n .. "\n" .. i .. "\n")
      end
      assert(os.rename(mine, mine .. "b"))
      assert(os.remove(mine .. "b"))
    end))
  end, { 1e-6, 2e-4 })
end)

os.execute("rm -r " .. dir)
t.finish()
