-- What is on its way in a message: held until somebody reads that, or until nobody ever can; an end of a Pipe shows which.
local t = require "testing"
local mp = require "gilua.multiprocessing"
local futures = require "gilua.futures"
local pickle = require "gilua.pickle"
local threading = require "gilua.threading"

t.may_keep["shared mappings"] = 3 -- the memory that processes share is kept
t.may_keep.descriptors = 5

local function is_closed(conn) return select(2, conn:recv(0)) == "closed" end

-- Whatever message held the other end may still have to be collected.
local function closed_soon(conn)
  t.eventually(function()
    collectgarbage()
    return is_closed(conn)
  end, "the other end to be closed")
end

t.test("an end in a queue is open, and closed with the queue", function()
  local q, a, b = mp.Queue(), mp.Pipe()
  q:put { b }
  b:close()
  t.equal(is_closed(a), false)
  t.equal(a:send "kept", true)
  local got = q:get()[1]
  t.equal(got:recv(), "kept")
  q:put(got)
  got:close()
  t.equal(is_closed(a), false)
  q:close()
  t.equal(is_closed(a), true)
  t.equal(select(2, a:send(1)), "closed")
end)

t.test("an end that was put many times is open until the last is gone", function()
  local q, a, b = mp.Queue(), mp.Pipe()
  for _ = 1, 40 do q:put(b) end
  b:close()
  for _ = 1, 40 do
    t.equal(is_closed(a), false)
    q:get():close()
  end
  t.equal(is_closed(a), true)
end)

t.test("what could not be put is not on its way", function()
  local q, a, b = mp.Queue(1), mp.Pipe()
  q:put(1)
  t.equal(select(2, q:put_nowait { b }), "full")
  t.equal(select(2, q:put({ b }, true, 0.01)), "timeout")
  b:close()
  t.equal(is_closed(a), true)
end)

t.test("what the message of a task carries that is cancelled is closed", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local a, b = mp.Pipe()
  local gate = mp.Semaphore(0)
  local busy = pool:submit(function(s) s:acquire() end, gate)
  local tasks = {}
  for i = 1, 8 do tasks[i] = pool:submit(function(conn) conn:close() end, b) end
  b:close()
  for i = 1, 8 do tasks[i]:cancel() end
  gate:release()
  busy:result()
  tasks = nil
  closed_soon(a)
end)

t.test("a message that could not be written carries nothing", function()
  local q, a, b = mp.Queue(), mp.Pipe()
  t.equal(pcall(q.put, q, { b, coroutine.create(print) }), false)
  b:close()
  closed_soon(a)
end)

t.test("an end that a process was to get that was killed is closed", function()
  for _ = 1, t.hostile and 2 or 10 do
    local a, b = mp.Pipe()
    local p = mp.Process { target = function() require "gilua.time".sleep(1000) end, args = { b } }:start()
    b:close()
    p:kill()
    t.equal(select(2, a:recv(t.limit)), "closed")
    p:join()
  end
end)

t.test("what a killed producer had put is whole, and what it held itself is closed", function()
  local q = mp.Queue()
  local p = mp.Process { target = function(to)
    local m = require "gilua.multiprocessing"
    local a, b = m.Pipe()
    b:send "before the end"
    to:put(a)
    require "gilua.time".sleep(1000)
  end, args = { q } }:start()
  local a = q:get()
  p:kill()
  p:join()
  t.equal(a:recv(), "before the end")
  t.equal(select(2, a:recv(t.limit)), "closed")
end)

t.test("a queue may be put into itself, and into one that is put into it: their memory comes back", function()
  local big = ("b"):rep(1 << 20)
  for _ = 1, t.hostile and 3 or 60 do
    local q, other = mp.Queue(), mp.Queue()
    q:put(big)
    q:put(q)
    q:put(other)
    other:put(q)
    other:put(big)
    q:close()
    other:close()
  end
  local q = mp.Queue()
  q:put(q)
  local same = q:get()
  q:close()
  same:put(7)
  t.equal(same:get(), 7)
end)

t.test("an end that lies only in its own Pipe is closed", function()
  local a, b = mp.Pipe()
  a:send(b) -- whoever has b could receive b
  b:close()
  t.equal(is_closed(a), true)
end)

t.test("what a worker gives back is held until it is read, whether the worker lives or not", function()
  local task
  do
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
    task = pool:submit(function()
      local a, b = require "gilua.multiprocessing".Pipe()
      a:send "from the worker"
      return { a, b }
    end)
    futures.wait { task }
  end
  local ends = task:result()
  t.equal(ends[2]:recv(), "from the worker")
  ends[1]:close()
  t.equal(is_closed(ends[2]), true)
end)

-- An object whose constructor opens the first gate and waits until the reading thread is cancelled.
local Slow, begun = {}, nil
flight_test_slow = function()
  if begun then
    begun:set()
    threading.Event():wait()
  end
  return setmetatable({}, Slow)
end
local slow_make = flight_test_slow
function Slow:__reduce() return slow_make end

-- Has a thread read, and ends it amid the last constructor; what it had attached to by then is collected.
local function read_half(read)
  begun = threading.Event()
  do
    local thread = threading.start(read)
    begun:wait()
    thread:cancel()
    t.raises("cancelled", thread.result, thread)
  end
  begun = nil
  for _ = 1, 3 do collectgarbage() end
end

t.test("what was read half is held until it is read whole", function()
  local slow = setmetatable({}, Slow)
  local q, a, b = mp.Queue(), mp.Pipe()
  q:put { b, slow }
  b:close()
  for _ = 1, 3 do
    read_half(function() q:get() end)
    t.equal(is_closed(a), false)
  end
  local got = q:get()[1]
  t.equal(a:send "kept", true)
  t.equal(got:recv(), "kept")
  got:close()
  closed_soon(a)

  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local task = pool:submit(function(s)
    local c, d = require "gilua.multiprocessing".Pipe()
    c:send "kept"
    return { c, d, s }
  end, slow)
  pool:submit(collectgarbage):result()
  for _ = 1, 3 do read_half(function() task:result() end) end
  local ends = task:result()
  t.equal(ends[2]:recv(), "kept")
  ends[1]:close()
  closed_soon(ends[2])
end)

t.test("what a process had taken out and was reading when it was killed is gone with it", function()
  flight_test_reading = mp.Event()
  flight_test_killed = function(big)
    if mp.parent_process() then
      flight_test_reading:set()
      require "gilua.time".sleep(1000)
    end
    return big
  end
  local Killed = { __reduce = function(o) return flight_test_killed, o[1] end }
  for _, big in ipairs { 1, ("x"):rep(100000) } do
    local q, a, b = mp.Queue(), mp.Pipe()
    q:put { setmetatable({ big }, Killed), b, mp.Lock() }
    b:close()
    local p = mp.Process { target = function(from) from:get() end, args = { q } }:start()
    flight_test_reading:wait()
    flight_test_reading:clear()
    t.equal(is_closed(a), false)
    p:kill()
    p:join()
    closed_soon(a)
    q:close()
  end
  flight_test_reading, flight_test_killed = nil, nil
end)

t.test("what a constructor that fails left unread is not on its way any more", function()
  flight_test_fails = function() error "no" end
  local q, a, b = mp.Queue(), mp.Pipe()
  q:put { setmetatable({}, { __reduce = function() return flight_test_fails end }), b }
  b:close()
  t.equal(is_closed(a), false)
  t.raises("no", q.get, q)
  closed_soon(a)
  flight_test_fails = nil
end)

t.test("memory that an executed worker made passes through a queue of the program", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, start = "spawn" }
  local function make() debug.getregistry().made = require "gilua.multiprocessing".Queue() end -- a global would go by its name
  pool:submit(make):result()
  local q = mp.Queue()
  pool:submit(function(to)
    local made = debug.getregistry().made
    made:put "theirs"
    to:put(made)
    debug.getregistry().made = nil
    collectgarbage()
  end, q):result()
  t.equal(q:get():get(), "theirs")
end)

t.test("a string of pickle holds what it names, however often it is loaded", function()
  local a, b = mp.Pipe()
  local text = pickle.dumps(b)
  b:close()
  collectgarbage()
  t.equal(is_closed(a), false)
  for _ = 1, 2 do
    local conn <close> = pickle.loads(text, { functions = true })
    conn:send "x"
    t.equal(a:recv(), "x")
    local _ <close> = pickle.loads(text, { functions = true })
  end
end)

t.test("an end that passes from hand to hand is never closed", function()
  local a, b = mp.Pipe()
  local there, back = mp.Queue(), mp.Queue()
  local n = t.hostile and 5 or 300
  local p = mp.Process { target = function(from, to, times)
    for _ = 1, times do
      local conn <close> = from:get()
      to:put(conn)
    end
  end, args = { there, back, n } }:start()
  local stop, wrong = false, nil
  local looker = threading.start(function()
    while not stop do
      local _, why = a:recv(0)
      if why == "closed" then wrong = true end
    end
  end)
  for _ = 1, n do
    there:put(b)
    b:close()
    b = back:get()
  end
  stop = true
  looker:join()
  p:join()
  t.equal(wrong, nil)
end)

t.finish()
