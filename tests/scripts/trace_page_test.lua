-- The page of a recording in a browser, where Chromium is installed: that it draws what was recorded, for an empty
-- recording, one thread, many threads and a file that was cut.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local function installed()
  local p <close> = io.popen("command -v chromium 2>/dev/null")
  return p:read("a") ~= ""
end
if os.getenv("TSAN_OPTIONS") or not installed() then
  print "ok - skipped: the Debian package chromium is not installed (or this is ThreadSanitizer)"
  os.exit(true)
end

local directory = os.tmpname()
os.remove(directory)
os.execute("mkdir " .. directory)

-- The page's document when its script has run.
local function load_page(path)
  local p <close> = io.popen(string.format("HOME=%s timeout 40 chromium --headless=new --no-sandbox --disable-gpu " ..
    "--disable-dev-shm-usage --user-data-dir=%s/profile --virtual-time-budget=3000 --dump-dom file://%s 2>/dev/null",
    directory, directory, path))
  return p:read("a")
end

local function record(name, f, cut)
  local path = directory .. "/" .. name .. ".html"
  assert(gil.trace(path))
  f()
  assert(gil.trace())
  if cut then
    local file <close> = io.open(path)
    local text = file:read("a")
    local out <close> = io.open(path, "w")
    out:write(text:sub(1, text:find("\nz,0") - 5))
  end
  return load_page(path)
end

local function check(document, threads)
  t.equal(tonumber(document:match('data%-rows="(%d+)"')), threads, "rows: " .. document:sub(-300))
  t.equal(document:match('<p id="facts"><b>') ~= nil, true, "the facts are told")
  t.equal(document:match('<table id="worst">.-<tbody><tr') ~= nil, true, "the longest holds are listed")
end

t.test("one thread", function()
  local document = record("one", function() end)
  check(document, 1)
  t.equal(document:match("of the time the lock was held") ~= nil, true)
end)

t.test("some threads, with lines of the holds", function()
  local document = record("some", function()
    t.join(t.start(4, function() for _ = 1, 20 do time.sleep(0.0005) for _ = 1, 20000 do end end end))
  end)
  check(document, 5)
  t.equal(document:match('<td class="l">[^<]*trace_page_test.lua:%d+</td>') ~= nil, true)
end)

t.test("a thousand threads", function()
  local document = record("many", function() t.join(t.start(1000, function() end)) end)
  check(document, 1001)
  t.equal(document:match("… and 801 more") ~= nil, true)
end)

t.test("workers of pools: threads with their tasks, and a row for each process", function()
  local futures = require "gilua.futures"
  local threads, processes = 0, 0
  local document = record("pools", function()
    local tp <close> = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "hands" }
    local pp <close> = futures.ProcessPoolExecutor { max_workers = 1 }
    for _ in tp:map(function() time.sleep(0.001) end, { 1, 2, 3 }) do threads = threads + 1 end
    for _ in pp:map(function() return 1 end, { 1, 2 }, { chunksize = 1 }) do processes = processes + 1 end
  end)
  t.equal(threads + processes, 5)
  check(document, 3)
  t.equal(document:match('<tr><td class="l">hands_0</td>.-<td>3</td><td>[%d.]+ .?s</td></tr>') ~= nil, true, "tasks of the thread")
  t.equal(document:match('<tr><td class="l">ProcessPool%-%d+ worker 1</td><td></td>.-<td>2</td><td>[%d.]+ .?.?s</td></tr>') ~= nil, true,
    "tasks of the process")
end)

t.test("names that look like HTML are text", function()
  local document = record("names", function()
    threading.Thread { name = "</script><img src=x>&amp;", target = function() end }:start():join()
  end)
  check(document, 2)
  t.equal(document:find("&lt;/script&gt;&lt;img src=x&gt;&amp;amp;", 1, true) ~= nil, true)
end)

t.test("a file that was cut off says so and shows the rest", function()
  local document = record("cut", function() t.join(t.start(2, function() time.sleep(0.001) end)) end, true)
  check(document, 3)
  t.equal(document:find("The program ended before the recording did", 1, true) ~= nil, true)
end)

t.test("nothing at all: the head of a file", function()
  local path = directory .. "/head.html"
  assert(gil.trace(path))
  gil.trace()
  local file = io.open(path)
  local text = file:read("a")
  file:close()
  file = io.open(path, "w")
  file:write(text:sub(1, text:find('id="data">\n', 1, true) + 10))
  file:close()
  t.equal(load_page(path):find("Nothing happened while this was recorded.", 1, true) ~= nil, true)
end)

os.execute("rm -rf " .. directory)
t.finish()
