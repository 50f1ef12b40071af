-- gil.trace: what is recorded, and that the files are what their readers expect. Programs are in
-- trace_program_test.lua, the page in a browser is in tests/scripts/trace_page_test.lua.
local t = require "testing"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"
local recordings = require "recordings"

local parse, read, temporary = recordings.parse, recordings.read, recordings.temporary
local record, select_events, check_rules = recordings.record, recordings.select_events, recordings.check_rules
local row, rows_named = recordings.row, recordings.rows_named

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

t.finish()
