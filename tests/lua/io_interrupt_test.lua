-- Ctrl-C reaches the main thread in every wait for files and commands: by SIGINT to the program, and typed on a terminal.
local t = require "testing"

-- ThreadSanitizer holds a signal back until the next call that it knows.
if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/io_interrupt.XXXXXX\""):read("l")

local prologue = [[
  local threading, time, gilua = require "gilua.threading", require "gilua.time", require "gilua"
  local t = require "testing"
  local main = threading.main_thread()
  function fire(what)
    local shell = io.popen("read _ && kill -INT " .. main.native_id, "w")
    threading.Thread{ daemon = true, target = function()
      t.parked(main, what)
      shell:write("go\n")
      shell:close()
    end }:start()
  end
  function fifo(name)
    assert(os.execute("rm -f " .. name .. "; mkfifo " .. name))
    return name
  end
  function pipe()
    local name = fifo "pipe"
    local reading = threading.start(function() return assert(io.open(name, "r")) end)
    local w = assert(io.open(name, "w"))
    return reading:result(), w
  end
  function expect(f, ...)
    local ok, err = pcall(f, ...)
    print(ok, gilua.is_error(err, "interrupted") or err)
  end
]]

-- A command that ends when the file `over` is there.
local command = "{ i=0; until [ -e over ] || [ $i -eq 200 ]; do sleep 0.1; i=$((i + 1)); done; }"
local over = " io.open('over', 'w'):close()"

local waits = {
  { "a read of a pipe", "local r, w = pipe() fire 'fd' expect(r.read, r)" },
  { "lines of a pipe", "local r, w = pipe() fire 'fd' expect(r:lines())" },
  { "a read of all of a pipe", "local r, w = pipe() w:write 'x' w:flush() fire 'fd' expect(r.read, r, 'a')" },
  { "a read of standard input", "fire 'fd' expect(io.read)", "<in" },
  { "a read of a named pipe", "local f = io.open(fifo 'named', 'r+') fire 'fd' expect(f.read, f, 5)" },
  { "a read of a command", "local p = io.popen '" .. command .. " 2>/dev/null' fire 'fd' expect(p.read, p, 'a')" .. over },
  { "the close of a command", "local p = io.popen('" .. command .. " >/dev/null 2>&1', 'w') fire 'fd' expect(p.close, p)" .. over },
  { "os.execute", "fire 'fd' expect(os.execute, '" .. command .. " >/dev/null 2>&1')" .. over },
  { "a write to a full pipe", "local r, w = pipe() fire 'fd' expect(w.write, w, ('x'):rep(1 << 20))" },
  { "a print to a full pipe", "fire 'fd' local ok, e = pcall(function() while true do print(('x'):rep(1000)) end end) io.stderr:write('false\\t', tostring(gilua.is_error(e, 'interrupted')), '\\nwent on\\n') os.execute('timeout 1 cat full >/dev/null 2>&1 &')", ">full" },
  { "a file that another thread uses", "local r, w = pipe() local other = threading.Thread{ target = r.read, args = { r }, daemon = true }:start() t.parked(other, 'fd') fire 'file' expect(r.read, r)" },
}

-- The shell holds both ends of the named pipes in and full, so that nothing ends.
for _, wait in ipairs(waits) do
  local name, code, redirect = table.unpack(wait)
  t.test("main is interrupted in " .. name, function()
    local f = assert(io.open(dir .. "/script.lua", "w"))
    f:write(prologue, code, redirect == ">full" and "" or " print 'went on'")
    f:close()
    local p <close> = io.popen(string.format("cd %s; rm -f in full over; mkfifo in full; exec 4<>in 5<>full; " ..
      "timeout -s KILL 250 %s script.lua 2>&1 %s", dir, os.getenv("GILUA"), redirect or ""))
    t.equal(p:read("a"), "false\ttrue\nwent on\n")
  end)
end

-- Runs the code on a terminal; once it shows "ready" and waits, Ctrl-C is typed.
local function on_terminal(code)
  local out = dir .. "/out"
  os.remove(out)
  local script = assert(io.open(dir .. "/script.lua", "w"))
  script:write(prologue, [[
    local expect_now = expect
    function expect(...)
      threading.Thread{ daemon = true, target = function()
        t.parked(main, "fd")
        if trapped then t.eventually(function() return os.rename("up", "down") end) end
        io.stderr:write "ready\n"
      end }:start()
      expect_now(...)
    end
  ]], code)
  script:close()
  local p = io.popen(string.format("cd %s; rm -f over; " ..
    "exec timeout -k 1 250 script -qfe -E never -c '%s script.lua' /dev/null >out", dir, os.getenv("GILUA")), "w")
  local function text()
    local f <close> = io.open(out)
    return f and f:read("a") or ""
  end
  t.eventually(function() return text():find("ready", 1, true) end, "the program to wait")
  p:write("\3")
  p:flush()
  t.eventually(function() return text():find("went on", 1, true) end, "the program to go on, which shows " .. text())
  p:close()
  return (text():gsub("\r", ""):gsub("%^C", ""))
end

for name, code in pairs {
  ["a line of the terminal"] = "expect(io.read) print 'went on'",
  ["a number of the terminal"] = "expect(io.read, 'n') print 'went on'",
  ["all of the terminal"] = "expect(io.read, 'a') print 'went on'",
  -- the command ignores Ctrl-C when it says so, or its end would end the wait as well
  ["a command's output"] = "trapped = true local p = io.popen \"trap '' INT; : >up; " .. command .. "\" expect(p.read, p)" .. over .. " print 'went on'",
  ["a command"] = "trapped = true expect(os.execute, \"trap '' INT; : >up; " .. command .. "\")" .. over .. " print 'went on'",
  ["a pipe"] = "local r, w = pipe() expect(r.read, r) print 'went on'",
  ["a named pipe"] = "local f = io.open(fifo 'named', 'r+') expect(f.read, f) print 'went on'",
  ["a full pipe"] = "local r, w = pipe() expect(w.write, w, ('x'):rep(1 << 20)) print 'went on'",
} do
  t.test("Ctrl-C typed on a terminal ends the wait for " .. name, function()
    local text = on_terminal(code)
    t.equal(text:find("false\ttrue\nwent on\n", 1, true) ~= nil, true, text)
  end)
end

os.execute("rm -r " .. dir)
t.finish()
