-- gil.trace and --trace: what is recorded, and that the files are what their readers expect. The page in a browser is in
-- tests/scripts/trace_page_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"

-- A strict reader of JSON: an error where a reader of these files might give up, too. Where there is one in C, that: it is
-- faster.
local found, cjson = pcall(require, "cjson")
local function parse(text)
  if found then return cjson.decode(text) end
  local at = 1
  local function fail(what) error(what .. " at byte " .. at .. ": " .. text:sub(at, at + 40), 0) end
  local function skip() at = text:find("%S", at) or #text + 1 end
  local function take(pattern)
    local from, to, value = text:find("^(" .. pattern .. ")", at)
    if not from then fail("no " .. pattern) end
    at = to + 1
    return value
  end
  local function string_value()
    take '"'
    local from = at
    while true do
      take '[^%c"\\]*'
      if take '["\\]' == '"' then break end
      if take '["\\/bfnrtu]' == "u" then take "%x%x%x%x" end
    end
    return (text:sub(from, at - 2):gsub("\\u(%x%x%x%x)", function(x) return utf8.char(tonumber(x, 16)) end))
  end
  local value
  local function members(close, member)
    take "."
    skip()
    if text:sub(at, at) == close then take "." return end
    repeat
      skip()
      member()
      skip()
      local c = take "[,%]}]"
      if c ~= "," and c ~= close then fail("no " .. close) end
    until c == close
  end
  function value()
    skip()
    local c, out = text:sub(at, at), {}
    if c == '"' then return string_value() end
    if c == "[" then members("]", function() out[#out + 1] = value() end) return out end
    if c ~= "{" then return tonumber(take "%-?%d+%.?%d*") end
    members("}", function()
      local key = string_value()
      skip()
      take ":"
      out[key] = value()
    end)
    return out
  end
  local all = value()
  skip()
  if at <= #text then fail("something behind the end") end
  return all
end

local function read(path)
  local f <close> = assert(io.open(path))
  return f:read("a")
end

-- A file's name, to be closed: then it is removed.
local function temporary(extension)
  local path = os.tmpname()
  os.remove(path)
  return setmetatable({ path = path .. extension }, { __close = function(self) os.remove(self.path) end })
end

-- Records f() as JSON; the list of events.
local function record(f)
  local file <close> = temporary ".json"
  t.equal(gil.trace(file.path), true)
  local ok, err = pcall(f)
  t.equal(gil.trace(), true)
  assert(ok, err)
  return parse(read(file.path))
end

local function select_events(events, want)
  local out = {}
  for _, e in ipairs(events) do
    local all = true
    for k, v in pairs(want) do all = all and e[k] == v end
    if all then out[#out + 1] = e end
  end
  return out
end

-- The rules of the format: every event has what its phase needs, and the spans of a row do not overlap.
local function check_rules(events)
  local last, named = {}, {}
  for _, e in ipairs(events) do
    t.equal(type(e.name), "string")
    t.equal(math.type(e.pid) ~= nil and math.type(e.tid) ~= nil, true, "pid and tid")
    if e.ph == "M" then
      t.equal(type(e.args.name), "string")
      named[e.tid] = true
    elseif e.ph == "X" then
      t.near(e.ts, 0, 1e15, "ts")
      t.near(e.dur, 0, 1e15, "dur")
      t.equal(named[e.tid], true, "a row has its name before its events")
      if e.ts < (last[e.tid] or 0) - 0.0005 then error(string.format("spans of row %d overlap at %f", e.tid, e.ts)) end
      last[e.tid] = e.ts + e.dur
    elseif e.ph == "i" then
      t.equal(e.s == "t" or e.s == "g", true, "scope")
      t.near(e.ts, 0, 1e15, "ts")
    else
      error("unknown phase " .. tostring(e.ph))
    end
  end
end

t.test("a recording obeys the rules of the trace event format", function()
  local events = record(function()
    local lock = threading.Lock()
    t.join(t.start(5, function()
      for _ = 1, 30 do
        local _ <close> = lock:hold()
        time.sleep(0.0002)
      end
    end))
  end)
  check_rules(events)
  t.near(#select_events(events, { ph = "X", cat = "held" }), 150, 1e6)
end)

t.test("it obeys them at any switch interval", function()
  t.at_intervals(function()
    local q = queue.Queue(2)
    check_rules(record(function()
      t.join(t.start(4, function(i)
        for n = 1, 200 do
          if i % 2 == 0 then q:put(n) else q:get() end
        end
      end))
    end))
  end, { 1e-6, 2e-4 })
end)

t.test("threads that take turns are seen to hold the lock and to wait for it, with the line", function()
  local events = record(function()
    local stop, before = false, gil.stats().forced_switches
    local threads = t.start(2, function() while not stop do end end)
    t.eventually(function() return gil.stats().forced_switches >= before + 8 end, "forced switches")
    stop = true
    t.join(threads)
  end)
  for _, name in ipairs { "has the lock", "waits for the lock" } do
    local spans = select_events(events, { ph = "X", name = name })
    t.near(#spans, 2, 1e6, name)
    local with_line = 0
    for _, e in ipairs(spans) do
      if e.args and e.args.at:find("trace_test.lua:%d+$") then with_line = with_line + 1 end
    end
    t.near(with_line, 2, 1e6, name .. " with a line")
  end
end)

for what, wait in pairs {
  lock = function() local l = threading.Lock() l:acquire() l:acquire(true, 0.02) end,
  queue = function() queue.Queue():get(true, 0.02) end,
  sleep = function() time.sleep(0.02) end,
  event = function() threading.Event():wait(0.02) end,
} do
  t.test("a thread that waits is blocked in a " .. what .. " for as long", function()
    local spans = select_events(record(wait), { ph = "X", cat = "blocked", name = what })
    t.equal(#spans, 1)
    t.near(spans[1].dur, 19000, t.limit * 1e6)
    t.equal(spans[1].args.at:find("trace_test.lua:%d+$") ~= nil, true, spans[1].args.at)
  end)
end

-- What a thread does without the lock: {how it is shown, what it is called, what does it}.
local native = require "gilua.native"
local socket_found, socket = pcall(require, "gilua.socket")
local fifo = os.tmpname()
local outside = {
  { "native", "sha256", function() native.sha256(string.rep("x", 1 << 20)) end },
  { "native", "usleep", function() require("gilua.ctypes").load("libc.so.6"):func("usleep", "int", { "int" })(1000) end },
  { "blocked", "open", function() io.open(fifo):close() end },
  { "blocked", "read", function() local p <close> = io.popen("sleep 0.02; echo") p:read() end },
  { "blocked", "command", function() os.execute("sleep 0.02") end },
  { "blocked", "remove", function() os.remove(fifo) end },
}
if socket_found then
  outside[#outside + 1] = { "blocked", "socket", function()
    local server = assert(socket.bind("127.0.0.1", 0))
    server:settimeout(0.02)
    server:accept()
    server:close()
  end }
end
for _, case in ipairs(outside) do
  local how, what, f = table.unpack(case)
  t.test("a thread that is outside of the lock in " .. what .. " is shown as " .. how, function()
    local spans = select_events(record(f), { ph = "X", cat = how, name = what })
    t.near(#spans, 1, 1e6)
    t.equal(spans[1].args.at:find("trace_test.lua:%d+$") ~= nil, true, spans[1].args.at)
  end)
end

-- The spans of a row in order of time; they do not overlap.
local function row(events, tid)
  local spans = select_events(events, { ph = "X", tid = tid })
  table.sort(spans, function(a, b) return a.ts < b.ts end)
  for i = 2, #spans do t.near(spans[i].ts, spans[i - 1].ts + spans[i - 1].dur - 0.0015, 1e15) end
  return spans
end

-- Rows whose names match, by tid.
local function rows_named(events, pattern)
  local out = {}
  for _, e in ipairs(events) do
    if e.ph == "M" and e.name == "thread_name" and e.args.name:find(pattern) then out[#out + 1] = e end
  end
  return out
end

t.test("tasks of a pool of threads are on rows beside their workers', named after their functions", function()
  local futures = require "gilua.futures"
  local function nap() time.sleep(0.001) end
  local line = debug.getinfo(nap, "S").linedefined
  local events = record(function()
    local pool <close> = futures.ThreadPoolExecutor { max_workers = 2, thread_name_prefix = "crew" }
    for _ = 1, 10 do pool:submit(nap) end
    for _ in pool:map(nap, { 1, 2, 3, 4 }, { chunksize = 2 }) do end
    pool:submit(error, "x"):exception()
  end)
  check_rules(events)
  local n, named = 0, 0
  for _, r in ipairs(rows_named(events, "^tasks of crew_[01]$")) do
    for _, span in ipairs(row(events, r.tid)) do
      t.equal(span.cat, "task")
      n = n + 1
      if span.name:find("trace_test.lua:" .. line .. "$") then named = named + 1 end
    end
  end
  t.equal(n, 13)
  t.equal(named, 12)
end)

t.test("a task that still runs at the end of the recording is there", function()
  local futures = require "gilua.futures"
  local gate, pool = threading.Event(), futures.ThreadPoolExecutor { max_workers = 1 }
  local f
  local events = record(function()
    f = pool:submit(gate.wait, gate)
    t.eventually(function() return f:running() end)
  end)
  gate:set()
  f:result()
  pool:shutdown()
  t.equal(#select_events(events, { ph = "X", cat = "task", name = "C function" }), 1)
end)

t.test("tasks of a pool of processes are on a row for each worker, also one that killed its worker", function()
  local futures = require "gilua.futures"
  local function work(n) return n end
  local events = record(function()
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
    for r in pool:map(work, { 1, 2, 3, 4, 5, 6, 7, 8 }, { chunksize = 1 }) do t.near(r, 1, 8) end
    pool:submit(function() os.exit(3) end):exception()
  end)
  local n = 0
  local rows = rows_named(events, "^ProcessPool%-%d+ worker [12]$")
  t.near(#rows, 1, 2)
  for _, r in ipairs(rows) do n = n + #row(events, r.tid) end
  t.equal(n, 9)
end)

t.test("a wait that began before the recording and lasts until its end is there", function()
  local gate = threading.Event()
  local thread = threading.Thread { target = gate.wait, args = { gate }, name = "patient" }:start()
  t.parked(thread)
  local events = record(function() time.sleep(0.01) end)
  gate:set()
  t.join { thread }
  local spans = select_events(events, { ph = "X", name = "event", tid = thread.ident })
  t.equal(#spans, 1)
  t.near(spans[1].dur, 9000, 1e7)
end)

t.test("threads have their names, a start and an end", function()
  local thread
  local events = record(function()
    thread = threading.Thread { target = function() end, name = 'with "quotes" \\ and <tags> ü' }:start()
    thread:join()
  end)
  t.equal(select_events(events, { ph = "M", tid = thread.ident })[1].args.name, 'with "quotes" \\ and <tags> ü')
  t.equal(#select_events(events, { ph = "i", name = "start", tid = thread.ident }), 1)
  t.equal(#select_events(events, { ph = "i", name = "end", tid = thread.ident }), 1)
end)

t.test("a default name tells the target", function()
  local events = record(function() threading.start(function() end):join() end)
  t.equal(select_events(events, { ph = "M", name = "thread_name" })[2].args.name:find("trace_test.lua:%d+") ~= nil, true)
end)

t.test("names are UTF-8 in the file, whatever the bytes were", function()
  for name, want in pairs {
    ["uni\u{20ac} \u{1f600}"] = "uni\u{20ac} \u{1f600}", ["caf\xe9"] = "caf\u{fffd}", ["\xed\xa0\x80"] = ("\u{fffd}"):rep(3),
    ["\xc0\xaf\xf4\x90\x80\x80."] = ("\u{fffd}"):rep(6) .. ".", ["cut \xe2\x82"] = "cut " .. ("\u{fffd}"):rep(2),
  } do
    for _, extension in ipairs { ".json", ".html" } do
      local file <close> = temporary(extension)
      assert(gil.trace(file.path))
      threading.Thread { target = function() end, name = name }:start():join()
      assert(gil.trace())
      local text = read(file.path)
      t.equal(utf8.len(text) ~= nil, true, "the file is UTF-8")
      t.equal(text:gsub("\\ufffd", "\u{fffd}"):find(want, 1, true) ~= nil, true, want)
    end
  end
end)

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

t.test("collections are marked", function()
  t.near(#select_events(record(function() collectgarbage() collectgarbage() end), { name = "garbage collected" }), 1, 100)
end)

t.test("a recording after a recording is its own", function()
  record(function() time.sleep(0.001) end)
  local events = record(function() end)
  check_rules(events)
  t.equal(#select_events(events, { name = "sleep" }), 0)
end)

t.test("starting twice is an error that names both files, and the first goes on", function()
  local file <close> = temporary ".json"
  gil.trace(file.path)
  t.raises("cannot record to 'other.json': a recording to '.*' is running", gil.trace, "other.json")
  t.equal(gil.trace(), true)
  check_rules(parse(read(file.path)))
end)

t.test("stopping without a recording is false", function() t.equal(gil.trace(), false) end)

t.test("a file that cannot be written is nil and a message, and nothing is recorded", function()
  local ok, message = gil.trace("/nonexistent/x.json")
  t.equal(ok, nil)
  t.equal(message, "/nonexistent/x.json: No such file or directory")
  ok, message = gil.trace("/dev/full")
  t.equal(ok, nil)
  t.equal(message, "/dev/full: No space left on device")
  t.equal(gil.trace(), false)
end)

t.test("a named pipe that nobody reads is an error, not a wait", function()
  local path = os.tmpname()
  os.remove(path)
  os.execute("mkfifo " .. path)
  local ok, message = gil.trace(path)
  os.remove(path)
  t.equal(ok, nil)
  t.equal(message, path .. ": No such device or address")
end)

t.test("threads that start and end recordings at the same time: each start is one, or an error", function()
  t.at_intervals(function()
    local sums = queue.Queue()
    t.join(t.start(4, function()
      local started, ended = 0, 0
      local file <close> = temporary ".json"
      for _ = 1, 15 do
        local ok, e = pcall(gil.trace, file.path)
        if ok then started = started + 1
        else t.equal(tostring(e):find("is running", 1, true) ~= nil, true, e) end
        time.sleep(0)
        local stopped, why = gil.trace()
        t.equal(why, nil)
        if stopped then ended = ended + 1 end
      end
      sums:put { started, ended }
    end))
    local started, ended = 0, 0
    for _ = 1, 4 do
      local sum = sums:get()
      started, ended = started + sum[1], ended + sum[2]
    end
    t.equal(ended, started)
    t.near(started, 1, 60)
    t.equal(gil.trace(), false)
  end, { 1e-6, 2e-4 })
end)

t.test("a wrong argument is an error", function() t.raises("string expected, got table", gil.trace, {}) end)

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
    "kill -KILL $PPID]]):close() end) threading.Event():wait(25)" }
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

t.finish()
