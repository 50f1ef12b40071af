-- --trace, and recordings of programs that end or are killed.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"
local recordings = require "recordings"

local parse, read, temporary = recordings.parse, recordings.read, recordings.temporary
local record, select_events, check_rules = recordings.record, recordings.select_events, recordings.check_rules

-- The recording of a program that runs that code, prints "ready" and is killed when the words stand in the file.
local function killed(code, extension, words)
  local file <close> = temporary(extension)
  local script <close> = temporary ".lua"
  local out = assert(io.open(script.path, "w"))
  out:write('local threading, time, ctypes = require "gilua.threading", require "gilua.time", require "gilua.ctypes"\n', code)
  out:close()
  local p <close> = io.popen(("echo $$; exec %s --trace %s %s"):format(os.getenv "GILUA", file.path, script.path))
  local pid = p:read("l")
  t.equal(p:read("l"), "ready")
  t.eventually(function()
    local text = read(file.path)
    for _, word in ipairs(words) do if not text:find(word, 1, true) then return false end end
    return true
  end, "the recording to show what goes on")
  os.execute("kill -KILL " .. pid)
  return read(file.path)
end

t.test("what the threads of a killed program were blocked in is in its recording", function()
  for _, extension in ipairs { ".json", ".html" } do
    for _, busy in ipairs { "", "threading.start(function() while true do end end)\n" } do
      local text = killed(busy .. [[
        local gate = threading.Event()
        threading.Thread { target = gate.wait, args = { gate }, name = "patient", daemon = true }:start()
        print "ready" io.stdout:flush()
        time.sleep(1000)
      ]], extension, extension == ".json" and { '"name":"sleep"', '"name":"event"' } or { ",sleep\n", ",event\n" })
      if extension == ".json" then
        local events = parse(text .. "]")
        check_rules(events)
        t.near(#select_events(events, { name = "sleep" }), 0, 1)
      end
    end
  end
end)

t.test("the native call that a killed program was in is there, too", function()
  killed([[
    local sleep = ctypes.load():func("sleep", "int", { "int" })
    print "ready" io.stdout:flush()
    sleep(1000)
  ]], ".json", { '"name":"sleep","cat":"native"' })
end)

t.test("spans stay apart for viewers that cut times to nanoseconds", function()
  local there, back = queue.Queue(1), queue.Queue(1)
  local events = record(function()
    local thread = threading.start(function() for _ = 1, 500 do back:put(there:get()) end end)
    for i = 1, 500 do
      there:put(i)
      back:get()
    end
    thread:join()
  end)
  local rows = {}
  for _, e in ipairs(select_events(events, { ph = "X" })) do
    local begin = math.floor(e.ts * 1000.0)
    t.equal(begin >= (rows[e.tid] or 0), true, "begins where the one before it has ended")
    rows[e.tid] = begin + math.floor(e.dur * 1000.0)
  end
end)

local worker = [[
  local threading, time = require "gilua.threading", require "gilua.time"
  local w = threading.start(function() for i = 1, 50 do time.sleep(0.0001) end end)
]]

t.test("--trace records from the start to the end of the program", function()
  local file <close> = temporary ".json"
  local text, status = t.run { "--trace", file.path, "-e", worker }
  t.equal(text, "")
  t.equal(status, 0)
  local events = parse(read(file.path))
  check_rules(events)
  t.near(#select_events(events, { name = "sleep" }), 50, 50)
end)

t.test("--trace=FILE does, too, and os.exit in any thread completes the file", function()
  local file <close> = temporary ".json"
  for _, code in ipairs { "os.exit(0)", "os.exit(0, true)", "threading.start(os.exit, 0) time.sleep(5)" } do
    local text, status = t.run { "--trace=" .. file.path, "-e", worker .. code }
    t.equal(text, "")
    t.equal(status, 0)
    check_rules(parse(read(file.path)))
  end
end)

t.test("--trace to a file that cannot be written says so, and the program runs", function()
  for path, why in pairs { ["/nonexistent/x"] = "No such file or directory", ["/dev/full"] = "No space left on device" } do
    local text, status = t.run { "--trace", path, "-e", "print('ran')" }
    t.equal(status, 0)
    t.equal(text:find("cannot record to '" .. path .. "': " .. why, 1, true) ~= nil, true, text)
    t.equal(text:match("ran\n$") ~= nil, true, text)
  end
end)

t.test("a disk that gets full later is told at the end, and the program goes on", function()
  if os.getenv("TSAN_OPTIONS") then return end -- ThreadSanitizer does not live under such a limit
  local dir = os.tmpname()
  os.remove(dir)
  local text, status = t.run({ "-e", worker .. [[
    local gil = require "gilua.gil"
    for i = 1, 2000 do time.sleep(0) end
    w:join()
    print(gil.trace())]], "--trace", dir .. ".json" }, { before = "ulimit -f 8; trap '' XFSZ; " })
  -- options behind -e are carried out before it runs
  os.remove(dir .. ".json")
  t.equal(text:match("nil\t.*: File too large") ~= nil, true, text)
  t.equal(status, 0)
end)

t.test("the file of a program that was killed can be read up to its last lines", function()
  local file <close> = temporary ".json"
  local _, status = t.run { "--trace", file.path, "-e", worker .. "w:join() time.sleep(0.1) io.popen('kill -KILL $PPID'):close() time.sleep(5)" }
  t.equal(status, 137)
  local text = read(file.path)
  check_rules(parse(text .. "]"))
end)

t.test("the last hold before every thread waits is in the file of a program that is killed then", function()
  local file <close> = temporary ".json"
  t.run { "--trace", file.path, "-e", "local n = 0 for i = 1, 1e5 do n = n + i end threading = require 'gilua.threading' " ..
    "threading.start(function() io.popen([[until grep -q '\"held\".*\"tid\":1,.*\"at\"' " .. file.path .. "; do sleep 0.01; done; " ..
    "kill -KILL $PPID]]):close() end) threading.Event():wait(250)" }
  local events = parse(read(file.path) .. "]")
  check_rules(events)
  t.equal(select_events(events, { ph = "X", cat = "held", tid = 1 })[1].args.at:find("(command line):1", 1, true) ~= nil, true)
end)

t.test("a child of a fork does not write into its parent's recording", function()
  local file <close> = temporary ".json"
  gil.trace(file.path)
  io.popen("true"):close()
  os.execute("true")
  t.equal(gil.trace(), true)
  check_rules(parse(read(file.path)))
end)

t.test("memory does not grow with what is recorded", function()
  local file <close> = temporary ".html"
  local text = t.run { "--trace", file.path, "-e", [[
    local time, threading = require "gilua.time", require "gilua.threading"
    local function resident() for l in io.lines("/proc/self/status") do local n = l:match("VmRSS:%s+(%d+)") if n then return tonumber(n) end end end
    local function turns(n)
      local a, b = threading.Semaphore(1), threading.Semaphore(0)
      local function run(x, y) for _ = 1, n do x:acquire() y:release() end end
      local one, two = threading.start(run, a, b), threading.start(run, b, a)
      one:join() two:join()
    end
    turns(40000) -- the ring has been used from end to end
    collectgarbage()
    local before = resident()
    turns(60000)
    collectgarbage()
    print(resident() - before)]] }
  t.near(tonumber(text), -1e6, 4096, "KiB") -- sanitizers keep some
end)

t.test("what a program without standard output prints does not go into its recording", function()
  local print_much = "for i = 1, 1000 do print('astray', i) end io.stdout:flush()"
  local file <close> = temporary ".json"
  for _, args in ipairs {
    { "--trace", file.path, "-e", print_much },
    { "-e", ("require 'gilua.gil'.trace '%s' %s"):format(file.path, print_much) },
  } do
    local text, status = t.run(args, { before = "exec 3>&1; ", stderr = ">&- 2>&3" })
    t.equal(status, 0, text)
    t.equal(read(file.path):find("astray", 1, true), nil)
    parse(read(file.path))
  end
end)

t.finish()
