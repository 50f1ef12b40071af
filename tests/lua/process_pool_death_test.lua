-- Workers that die, at each point of a task. Behaviours 79 to 87, 94; hazards R3, R6, D4.
local t = require "testing"
local futures = require "gilua.futures"
local P = require "processes"
local new = futures.ProcessPoolExecutor

local function died(f, field, value)
  local err = t.raises_kind("worker_died", f.result, f)
  t.equal(err[field], value, tostring(err))
  t.equal(math.type(err.pid), "integer")
  t.equal(math.type(err.task), "integer")
  return err
end

P.test("a task whose worker is killed fails with the signal, the pool goes on", function()
  local pool <close> = new { max_workers = 2 }
  for _, sig in ipairs { P.KILL, P.TERM } do
    local err = died(pool:submit(P.die, sig), "signal", sig)
    t.equal(err.message:find("signal " .. sig, 1, true) ~= nil, true)
    t.equal(pool:submit(math.abs, -1):result(), 1)
  end
end)

P.test("a task that calls os.exit fails with the exit status, whatever it closes", function()
  local pool <close> = new { max_workers = 1 }
  died(pool:submit(os.exit, 7), "exitcode", 7)
  died(pool:submit(os.exit, 8, true), "exitcode", 8)
  died(pool:submit(os.exit, true), "exitcode", 0)
  died(pool:submit(function() local x <close> = setmetatable({}, { __close = print }) os.exit(9, true) end), "exitcode", 9)
  t.equal(pool:submit(math.abs, -1):result(), 1)
end)

P.test("only the task that ran fails, those behind it in the same ring are done", function()
  local pool <close> = new { max_workers = 1 }
  for i = 1, 200 do pool:submit(math.abs, i) end -- the pool learns that tasks are short
  pool:submit(math.abs, 1):result()
  local fs = {}
  for i = 1, 60 do fs[i] = i % 20 == 10 and pool:submit(os.exit, 3) or pool:submit(math.abs, -i) end
  for i, f in ipairs(fs) do
    if i % 20 == 10 then died(f, "exitcode", 3) else t.equal(f:result(), i) end
  end
end)

P.test("each future has an error object of its own (79)", function()
  local pool <close> = new { max_workers = 2 }
  local a, b = pool:submit(os.exit, 1), pool:submit(os.exit, 1)
  local ea, eb = a:exception(), b:exception()
  t.equal(ea ~= eb, true)
  t.equal(ea.task ~= eb.task, true)
end)

local Exits = {}
function Exits.new(when) return setmetatable({ when = when }, Exits) end
function Exits.rebuild(when)
  if when == "reading" then os.exit(11) end
  return Exits.new(when)
end
function Exits:__reduce()
  if self.when == "writing" and P.pid() ~= Exits.parent then os.exit(12) end
  return Exits.rebuild, self.when
end
Exits.parent = P.pid()
package.loaded.exits_of_test = Exits

P.test("a worker that dies reading the arguments: that task, no other (80)", function()
  local pool <close> = new { max_workers = 2 }
  for _ = 1, 3 do
    local bad, good = pool:submit(type, Exits.new("reading")), pool:submit(math.abs, -3)
    died(bad, "exitcode", 11)
    t.equal(good:result(), 3)
  end
end)

P.test("a worker that dies writing the result: that task, no other (80)", function()
  local pool <close> = new { max_workers = 2 }
  for _ = 1, 3 do
    local bad, good = pool:submit(Exits.new, "writing"), pool:submit(math.abs, -3)
    died(bad, "exitcode", 12)
    t.equal(good:result(), 3)
  end
end)

P.test("an error while arguments are read or results written fails the task, and no worker is lost (81, 94)", function()
  local Fails = {}
  function Fails.rebuild() error("cannot be rebuilt", 0) end
  function Fails:__reduce() return Fails.rebuild end
  package.loaded.fails_of_test = Fails
  local pool <close> = new { max_workers = 1 }
  local pid = pool:submit(P.pid):result()
  for _ = 1, 20 do
    t.raises("cannot be rebuilt", function() pool:submit(type, setmetatable({}, Fails)):result() end)
    local err = t.raises_kind("pickle", function() pool:submit(coroutine.create, print):result() end)
    t.equal(err.type, "thread")
    t.raises_kind("pickle", function() pool:submit(function() return { a = { io.tmpfile() } } end):result() end)
  end
  t.equal(pool:submit(P.pid):result(), pid)
  package.loaded.fails_of_test = nil
end)

P.test("a result that cannot be read here raises at its future only", function()
  local Fails = {}
  local here = P.pid()
  function Fails.rebuild() if P.pid() == here then error("not here", 0) end return 1 end
  function Fails.new() return setmetatable({}, Fails) end
  function Fails:__reduce() return Fails.rebuild end
  package.loaded.fails_of_test = Fails
  local pool <close> = new { max_workers = 1 }
  for _ = 1, 3 do t.raises("not here", function() pool:submit(Fails.new):result() end) end
  t.equal(pool:submit(math.abs, -3):result(), 3)
  package.loaded.fails_of_test = nil
end)

P.test("error values of every kind arrive, also those that cannot travel", function()
  local pool <close> = new { max_workers = 1 }
  t.equal(pool:submit(error):exception(), select(2, pcall(error))) -- an error value of nil, in Lua 5.4
  t.equal(pool:submit(error, false):exception(), false)
  t.equal(pool:submit(error, { code = { 5 } }):exception().code[1], 5)
  t.raises("FILE", function() pool:submit(function() error(io.tmpfile()) end):result() end)
  local odd = pool:submit(function() error(setmetatable({ coroutine.create(print) }, { __tostring = error })) end)
  t.equal(odd:exception().kind, "pickle")
  t.equal(odd:exception().message:find("(error object is a table value)", 1, true), 1)
  t.equal(pool:submit(math.abs, -3):result(), 3)
end)

P.test("an error that cannot travel comes as text: its kind, what it says, its traceback, and why", function()
  local gilua = require "gilua"
  local pool <close> = new { max_workers = 1 }
  local function fail_with_class(text) error(setmetatable({ text = text }, { __tostring = function(e) return e.text end })) end
  local e = pool:submit(function() fail_with_class "disk full" end):exception()
  t.equal(e.kind, "pickle")
  t.equal(e.message:find("disk full", 1, true), 1)
  t.equal(e.reason:find("metatable.__tostring", 1, true) ~= nil, true, e.reason)
  t.equal(gilua.traceback_of(e):find("fail_with_class", 1, true) ~= nil, true)
  local function fail_with_kind()
    local closed = require "gilua.futures".ThreadPoolExecutor { max_workers = 1 }
    closed:shutdown()
    local _, e = pcall(closed.submit, closed, print)
    e.detail = coroutine.create(print)
    error(e)
  end
  e = pool:submit(fail_with_kind):exception()
  t.equal(e.kind, "invalid_state")
  t.equal(e.reason:find("detail", 1, true) ~= nil, true, e.reason)
end)

P.test("of the calls of a chunk only those fail whose result or error cannot travel", function()
  local multiprocessing = require "gilua.multiprocessing"
  local pool <close> = multiprocessing.Pool { processes = 1 }
  local function odd(x)
    if x == 3 then return { coroutine.create(print) } end
    if x == 5 then error { coroutine.create(print) } end
    if x == 6 then error { code = x } end
    return x
  end
  local failing = { [3] = true, [5] = true, [6] = true }
  local next_one = pool:imap(odd, { 1, 2, 3, 4, 5, 6, 7 }, 7)
  for i = 1, 7 do
    local ok, v = pcall(next_one)
    t.equal(ok, not failing[i])
    if ok then t.equal(v, i) end
    if i == 3 then t.equal(v.path, "results[1][1]") end
    if i == 5 then t.equal(v.reason:find("a coroutine stays where it is", 1, true) ~= nil, true, v.reason) end
    if i == 6 then t.equal(v.code, 6) end
  end
  t.equal(next_one(), nil)
  t.equal(select(2, pcall(pool.map, pool, odd, { 1, 2, 3, 4 }, 4)).path, "results[1][1]")
  local executor <close> = new { max_workers = 1 }
  local got = {}
  t.equal(t.raises_kind("pickle", function()
    for v in executor:map(odd, { 1, 2, 3, 4 }, { chunksize = 4 }) do got[#got + 1] = v end
  end).path, "results[1][1]")
  t.equal(#got, 2)
end)

-- What calling the iterator gives, in its places; at most n values.
local function outcomes(next_one, n)
  local list = {}
  for i = 1, n do list[i] = table.pack(pcall(next_one)) end
  return list
end

P.test("of the calls of a chunk only that fails whose arguments cannot travel, with their path", function()
  local multiprocessing = require "gilua.multiprocessing"
  local pool <close> = multiprocessing.Pool { processes = 2 }
  local numbers, bad = {}, { [2] = true, [7] = true, [8] = true }
  for i = 1, 11 do numbers[i] = { n = i, deep = { bad[i] and coroutine.create(print) } } end
  local function number(x) return x.n end
  for _, size in ipairs { 1, 3, 11 } do
    for i, one in ipairs(outcomes(pool:imap(number, numbers, size), 12)) do
      t.equal(one[1], not bad[i])
      if bad[i] then t.equal(one[2].path, "args[1].deep[1]")
      else t.equal(one[2], numbers[i] and i) end
    end
    t.equal(t.raises_kind("pickle", pool.map, pool, number, numbers, size).path, "args[1].deep[1]")
    local asked = pool:starmap_async(number, { { numbers[1] }, { numbers[2] }, { numbers[3] } }, size)
    t.equal(t.raises_kind("pickle", asked.get, asked).path, "args[1].deep[1]")
  end
  local executor <close> = new { max_workers = 1 }
  local list = outcomes(executor:map(function(a, b) return a + b.n end, { 1, 1, 1 }, numbers, { chunksize = 3 }), 3)
  t.equal(list[1][2], 2)
  t.equal(list[2][2].path, "args[2].deep[1]")
  t.equal(list[3][2], nil)
end)

-- n values that travel by a constructor; `before` is called for each as it is written.
local function reduced(n, before)
  local list = {}
  for i = 1, n do
    list[i] = setmetatable({ i }, { __reduce = function(self)
      before(i)
      return table.pack, self[1]
    end })
  end
  return list
end

P.test("the other calls of such a chunk are made, once", function()
  local multiprocessing = require "gilua.multiprocessing"
  local pool <close> = multiprocessing.Pool { processes = 1 }
  local counts = multiprocessing.shared_array("i64", 40)
  local list = reduced(40, function(i)
    if i % 7 == 0 then error("no " .. i, 0) end
  end)
  local asked = pool:map_async(function(x) counts[x[1]] = counts[x[1]] + 1 end, list, 40)
  t.equal(select(2, pcall(asked.get, asked)), "no 7")
  for i = 1, 40 do t.equal(counts[i], i % 7 == 0 and 0 or 1) end
end)

P.test("a cancel between the parts of a chunk makes no call twice", function()
  local multiprocessing = require "gilua.multiprocessing"
  local pool <close> = multiprocessing.Pool { processes = 1 }
  local cancelled = false
  local list = reduced(90, function(i) -- behind the first window
    if i == 81 then error("no " .. i, 0) end
    if i ~= 82 or cancelled then return end
    cancelled = true
    require "gilua.threading".current_thread():cancel()
  end)
  local results, seen = outcomes(pool:imap(function(x) return x[1] end, list, 2), 92), 0
  for _, one in ipairs(results) do
    if not one[1] and tostring(one[2]):find "cancelled" then goto next end
    seen = seen + 1
    if seen == 81 then t.equal(one[2], "no 81")
    else t.equal(one[2], list[seen] and seen) end
    ::next::
  end
  t.equal(seen, 91)
  t.equal(cancelled, true)
end)

P.test("a function that cannot travel is an error at once", function()
  local multiprocessing = require "gilua.multiprocessing"
  local pool <close> = multiprocessing.Pool { processes = 1 }
  local thread = coroutine.create(print)
  local err = t.raises_kind("pickle", pool.map_async, pool, function() return thread end, { 1, 2, 3 }, 3)
  t.equal(err.path, 'function upvalue "thread"')
end)

P.test("a worker killed amid a large message, either way: an error, no hang (82)", function()
  local pool <close> = new { max_workers = 1 }
  local big = string.rep("x", 8 << 20)
  local Slow = {}
  function Slow.rebuild() P.die() end
  function Slow:__reduce() return Slow.rebuild end
  package.loaded.slow_of_test = Slow
  local pid = pool:submit(P.pid):result()
  P.stop(pid)
  local reading = pool:submit(string.len, big) -- the ring is full, the worker reads nothing
  P.kill(pid)
  t.eventually(function() return not P.alive(pid) end)
  local ok, result = pcall(reading.result, reading) -- begun or not by then
  if ok then t.equal(result, #big) else t.equal(result.signal, P.KILL) end
  died(pool:submit(type, { big, setmetatable({}, Slow) }), "signal", P.KILL)
  for i = 1, 20 do
    local f = pool:submit(function(n) return string.rep("y", n), P.pid() end, 8 << 20)
    local worker = pool:submit(P.pid)
    local victim
    t.eventually(function()
      for _, p in ipairs(P.children()) do
        local c <close> = io.open("/proc/" .. p .. "/comm")
        if c and c:read("a"):find("worker") then victim = p end
      end
      return victim or f:done()
    end)
    if victim then P.kill(victim) end
    local good, text = pcall(f.result, f)
    if good then t.equal(#text, 8 << 20) else t.equal(text.signal, P.KILL) end
    pcall(worker.result, worker)
    if i > 4 and good then break end
  end
  t.equal(pool:submit(math.abs, -3):result(), 3)
  package.loaded.slow_of_test = nil
end)

P.test("100 bad and 100 good tasks: the bad fail, the good succeed (85)", function()
  local pool <close> = new { max_workers = 2 }
  local fs, n = {}, t.hostile and 10 or 100
  for i = 1, 2 * n do fs[i] = i % 2 == 0 and pool:submit(os.exit, i % 100 + 1) or pool:submit(math.abs, -i) end
  for i, f in ipairs(fs) do
    if i % 2 == 0 then died(f, "exitcode", i % 100 + 1) else t.equal(f:result(), i) end
  end
end)

P.test("workers that kill each other in random order (86)", function()
  for _, workers in ipairs { 1, 2, 5, 13 } do
    local pool <close> = new { max_workers = workers }
    local pids, fs = {}, {}
    for i = 1, workers do fs[i] = pool:submit(P.pid) end
    for i = 1, workers do pids[i] = fs[i]:result() end
    for i = 1, workers * 2 do fs[i] = pool:submit(P.kill, pids[i % #pids + 1]) end
    for _, f in ipairs(fs) do
      local ok, err = pcall(f.result, f)
      if not ok then t.equal(err.signal, P.KILL, tostring(err)) end
    end
    t.equal(pool:submit(math.abs, -3):result(), 3)
  end
end)

P.test("an idle worker that dies fails nobody", function()
  local pool <close> = new { max_workers = 1 }
  for _ = 1, 5 do
    local pid = pool:submit(P.pid):result()
    P.kill(pid)
    P.gone { pid }
    t.equal(pool:submit(math.abs, -3):result(), 3)
  end
end)

P.test("a worker that dies after shutdown was called: shutdown returns, the future fails (84)", function()
  local gate <close> = P.gate()
  local pool = new { max_workers = 1 }
  local f = pool:submit(function(path) P.pass(path) os.exit(5) end, gate.path)
  local g = pool:submit(math.abs, -3)
  pool:shutdown { wait = false }
  gate:open()
  pool:shutdown()
  died(f, "exitcode", 5)
  t.equal(g:result(), 3)
end)

P.test("retries: a task whose worker died is tried again, so often and no more", function()
  local tries = os.tmpname()
  local pool <close> = new { max_workers = 2, retries = 3 }
  local function flaky(path, dies)
    P.append(path, "try")
    if #P.lines(path) <= dies then os.exit(4) end
    return #P.lines(path)
  end
  t.equal(pool:submit(flaky, tries, 3):result(), 4)
  os.remove(tries)
  died(pool:submit(flaky, tries, 4), "exitcode", 4)
  t.equal(#P.lines(tries), 4)
  os.remove(tries)
  t.raises("no retry", function() pool:submit(function(path) P.append(path, "x") error("no retry") end, tries):result() end)
  t.equal(#P.lines(tries), 1, "an error is no death")
  os.remove(tries)
end)

P.test("a task that is tried again is as it was at submit (R3)", function()
  local path = os.tmpname()
  os.remove(path)
  local pool <close> = new { max_workers = 1, retries = 1 }
  local big, list = string.rep("x", 1 << 20), { 1, 2, 3 }
  local f = pool:submit(function(name, text, values)
    if #P.lines(name) == 0 then P.append(name, "x") os.exit(1) end
    return #text, values[1]
  end, path, big, list)
  list[1], big = 100, nil
  collectgarbage()
  local n, first = f:result()
  t.equal(n, 1 << 20)
  t.equal(first, 1)
  os.remove(path)
end)

P.test("an initializer that dies breaks the pool, with the worker's end as the cause", function()
  local pool <close> = new { max_workers = 2, initializer = os.exit, initargs = { 6 } }
  local f = pool:submit(math.abs, 1)
  local err = t.raises_kind("broken_pool", f.result, f)
  t.equal(err.cause.exitcode, 6)
  t.raises_kind("broken_pool", pool.submit, pool, math.abs, 1)
end)

P.test("callbacks of a task that crashed may submit (87)", function()
  local pool <close> = new { max_workers = 1 }
  local last
  pool:submit(os.exit, 1):add_done_callback(function(f)
    t.equal(f:exception().exitcode, 1)
    last = pool:submit(math.abs, -4)
  end)
  t.eventually(function() return last end)
  t.equal(last:result(), 4)
end)

P.test("a task that waits for what nobody can do gets deadlock, however its worker was started", function()
  for _, start in ipairs { "fork", "spawn" } do
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, start = start }
    local f = pool:submit(function() require "gilua.threading".Event():wait() end)
    t.equal(t.raises("every thread waits", f.result, f).kind, "deadlock")
  end
end)

t.finish()
