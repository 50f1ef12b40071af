-- gilua --seed: the same seed gives the same run, in virtual time.
local t = require "testing"

local gilua = os.getenv "GILUA"

-- Runs code as a script with the options; returns all that it writes, errors too, and whether it ended well.
local function run(options, code)
  local path = os.tmpname()
  local out = assert(io.open(path, "w"))
  out:write(code)
  out:close()
  local p = io.popen(("%s %s %s 2>&1"):format(gilua, options, path))
  local text = p:read("a")
  local ok = p:close()
  os.remove(path)
  return text, ok == true
end

local everything = [[
local threading, queue, time = require "gilua.threading", require "gilua.queue", require "gilua.time"
local futures = require "gilua.futures"
local log, lock, q, ready = {}, threading.RLock(), queue.Queue(2), threading.Event()
local condition, here = threading.Condition(), threading.Local()
local function note(...) log[#log + 1] = table.concat({ ... }, ":") end
local function work(k)
  here.k = k
  local co = coroutine.wrap(function() for i = 1, 1000 do note("co", k, i) coroutine.yield() end end)
  for i = 1, 30 do
    note(k, i, here.k)
    if i % 10 == 0 then time.sleep(0.001 * k) co() end
    if i % 7 == 0 then local _ <close> = lock:hold() note("lock", k) end
    if i % 5 == 0 then q:put(k) end
  end
  local _ <close> = condition:hold()
  condition:notify_all()
end
local threads = {}
for k = 1, 3 do threads[k] = threading.start(work, k) end
local getter = threading.start(function() for _ = 1, 18 do note("got", q:get()) end end)
local waiter = threading.start(function()
  local _ <close> = condition:hold()
  note("notified", tostring(condition:wait(0.01)))
end)
local victim = threading.start(function()
  local _ <close> = setmetatable({}, { __close = function() note "closed" end })
  time.sleep(1000)
end)
threading.Timer(0.002, function() note "timer" ready:set() victim:cancel() end):start()
local e <close> = futures.ThreadPoolExecutor { max_workers = 2 }
local sums = {}
for i = 1, 4 do sums[i] = e:submit(function(n) for j = 1, n do note("task", i, j) end return n end, 5 * i) end
for i = 1, 4 do note("result", sums[i]:result()) end
for k = 1, 3 do threads[k]:join() end
ready:wait() getter:join() waiter:join() victim:join()
note(time.time(), time.monotonic_ns(), os.clock(), os.time(), os.date "%c", math.random(1 << 40))
print(table.concat(log, "\n"))
]]

local repeats = t.hostile and 3 or 10

t.test("the same seed gives the same run", function()
  for seed = 1, t.hostile and 3 or 8 do
    local first, ok = run("--seed " .. seed, everything)
    assert(ok, first)
    for _ = 2, repeats do t.equal(run("--seed " .. seed, everything), first) end
  end
end)

t.test("other seeds give other runs", function()
  local seen, n = {}, 0
  for seed = 1, 10 do
    local text = run("--seed=" .. seed, everything)
    if not seen[text] then n = n + 1 end
    seen[text] = true
  end
  assert(n >= 9, "only " .. n .. " runs of 10 differ")
end)

t.test("sleeps and timeouts cost nothing, and take the time that they say", function()
  t.equal(run("--seed 1", [[
    local time, threading = require "gilua.time", require "gilua.threading"
    local begun, day, used = time.time(), os.time(), os.clock()
    local sleeper = threading.start(time.sleep, 1e6)
    local got = threading.Event():wait(2e6)
    sleeper:join()
    print(got, time.time() - begun - 2e6 < 1, os.time() - day, (os.clock() - used) // 1)
  ]]), "false\ttrue\t2000000\t2000000.0\n")
end)

t.test("time goes on while a thread computes, so that others' sleeps end", function()
  t.equal(run("--seed 1", [[
    local time, threading = require "gilua.time", require "gilua.threading"
    local stop = false
    threading.start(function() time.sleep(0.01) stop = true end)
    while not stop do end
    print "stopped"
  ]]), "stopped\n")
end)

t.test("an uncounted wait of everybody is a deadlock", function()
  local text, ok = run("--seed 1", [[
    local threading = require "gilua.threading"
    local a, b = threading.Lock(), threading.Lock()
    local gate = threading.Barrier(2)
    local function take(first, second)
      local _ <close> = first:hold()
      gate:wait()
      local _ <close> = second:hold()
    end
    local one = threading.start(take, a, b)
    take(b, a)
  ]])
  assert(not ok and text:find("deadlock", 1, true), text)
end)

t.test("a thread that waits for a command is let wait, and others' sleeps last as long as they say", function()
  t.equal(run("--seed 1", [[
    local time, threading = require "gilua.time", require "gilua.threading"
    local reader = threading.start(function() return io.popen "sleep 0.05; echo here":read() end)
    time.sleep(0.001)
    print(reader:result())
  ]]), "here\n")
end)

t.test("a sleeper may be whom a thread at a descriptor waits for", function()
  if t.version ~= "5.4" then return end -- LuaSocket of Debian is for that
  t.equal(run("--seed 1", [[
    local time, threading, socket = require "gilua.time", require "gilua.threading", require "gilua.socket"
    local server = assert(socket.bind("127.0.0.1", 0))
    local _, port = server:getsockname()
    local answer = threading.start(function() return (server:accept():receive()) end)
    time.sleep(0.02)
    local client = assert(socket.connect("127.0.0.1", port))
    client:send "hello\n"
    print(answer:result())
  ]]), "hello\n")
end)

t.test("a seed that is no number from 0 to 2^64 - 1 is an error that says so", function()
  for _, seed in ipairs { "x", "-1", "1.5", "18446744073709551616", "''" } do
    local text, ok = run("--seed=" .. seed, "")
    assert(not ok and text:find("'--seed' needs a number from 0 to 2^64 - 1", 1, true), text)
  end
end)

t.finish()
