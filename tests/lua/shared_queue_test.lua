-- multiprocessing.Queue, JoinableQueue, SimpleQueue and Pipe: between processes, whoever dies.
local t = require "testing"
local P = require "processes"
local mp = require "gilua.multiprocessing"
local threading = require "gilua.threading"
local futures = require "gilua.futures"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

t.test("items come out as they were put, in order, whatever their size", function()
  local q = mp.Queue()
  local list = { 1, -1, math.maxinteger, 1.5, -0.0, "", "x", true, false, ("y"):rep(2047), ("z"):rep(2048), ("w"):rep(300000) }
  for _, v in ipairs(list) do t.equal(q:put(v), true) end
  t.equal(q:qsize(), #list)
  for _, v in ipairs(list) do
    local got = q:get()
    t.equal(got, v)
    t.equal(math.type(got), math.type(v))
  end
  q:put { a = { 1, 2 }, f = function(x) return x + 1 end }
  local got = q:get()
  t.equal(got.a[2] .. got.f(1), "22")
  t.equal(q:empty(), true)
end)

t.test("many items of many sizes go through chunks and come out in order", function()
  local q = mp.SimpleQueue()
  local n, took = t.hostile and 300 or 5000, 0
  for i = 1, n do
    q:put { i, ("s"):rep(i * 37 % 3000) }
    if i % 3 == 0 then
      took = took + 1
      t.equal(q:get()[1], took)
    end
  end
  while took < n do
    took = took + 1
    local item = q:get()
    t.equal(item[1], took)
    t.equal(#item[2], took * 37 % 3000)
  end
  t.equal(q:qsize(), 0)
end)

t.test("results are those of gilua.queue", function()
  local q = mp.Queue(1)
  t.equal(select(2, q:get_nowait()), "empty")
  t.equal(select(2, q:get(false)), "empty")
  t.equal(select(2, q:get(true, 0.01)), "timeout")
  t.equal(q:put("a"), true)
  t.equal(q:full(), true)
  t.equal(select(2, q:put_nowait("b")), "full")
  t.equal(select(2, q:put("b", true, 0.01)), "timeout")
  t.equal(q:get(), "a")
  t.equal(pcall(q.put, q, nil), false)
  q:close()
  local ok, err = pcall(q.put, q, 1)
  t.equal(ok, false)
  t.equal(require "gilua".is_error(err, "invalid_state"), true)
end)

t.test("a queue passes to a Process as argument, captured value and global", function()
  local captured = mp.Queue()
  shared_queue_global = mp.Queue()
  local back = mp.Queue()
  local p = mp.Process { target = function(q) q:put(captured:get() + shared_queue_global:get()) end, args = { back } }:start()
  captured:put(1)
  shared_queue_global:put(2)
  t.equal(back:get(), 3)
  p:join()
  shared_queue_global = nil
end)

t.test("a queue passes to workers, forked before it was made or executed, and through queues", function()
  for _, start in ipairs { "fork", "spawn" } do
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, start = start }
    pool:submit(math.abs, 1):result()
    local q, through = mp.Queue(), mp.Queue()
    through:put(q)
    pool:submit(function(way) way:get():put("from the worker") end, through):result()
    t.equal(q:get(), "from the worker")
    local made = pool:submit(function()
      local m = require "gilua.multiprocessing".Queue()
      m:put("made there")
      return m
    end):result()
    t.equal(made:get(), "made there")
  end
end)

t.test("processes nest", function()
  local q = mp.Queue()
  local p = mp.Process { target = function(out)
    local inner = require "gilua.multiprocessing".Process { target = function(o) o:put("inner") end, args = { out } }:start()
    inner:join()
    out:put("outer")
  end, args = { q } }:start()
  t.equal(q:get() .. q:get(), "innerouter")
  p:join()
end)

t.test("threads of one process share a queue, too", function()
  local q = mp.Queue(2)
  local n, sum = t.hostile and 50 or 1000, 0
  local a = threading.start(function() for i = 1, n do q:put(i) end end)
  for _ = 1, n do sum = sum + q:get() end
  a:join()
  t.equal(sum, n * (n + 1) // 2)
end)

t.test("a wait for an item is cancelled", function()
  local q = mp.Queue()
  local thread = threading.start(function() return q:get() end)
  t.parked(thread, "shared Queue get")
  thread:cancel()
  t.equal(pcall(thread.result, thread), false)
  q:put(1)
  t.equal(q:get(), 1)
end)

t.test("a put into a full queue whose consumer stands still ends in time and by cancel", function()
  local q, ready = mp.Queue(1), mp.Queue()
  local p = mp.Process { target = function(from, go)
    go:put(true)
    while true do from:get() end
  end, args = { q, ready }, daemon = true }:start()
  ready:get()
  P.stop(p.pid)
  while q:put(1, true, 0.05) do end
  t.equal(select(2, q:put(1, true, 0.05)), "timeout")
  local thread = threading.start(function() while true do q:put(1) end end)
  t.parked(thread, "shared Queue put")
  thread:cancel()
  t.equal(pcall(thread.result, thread), false)
  p:kill()
  p:join()
  t.equal(q:get(), 1)
end)

t.test("join waits until every item is done", function()
  local q = mp.JoinableQueue()
  t.equal(q:join(0), true)
  local p = mp.Process { target = function(jobs)
    while true do
      if jobs:get() == "end" then
        jobs:task_done()
        return
      end
      jobs:task_done()
    end
  end, args = { q } }
  for i = 1, 20 do q:put(i) end
  q:put "end"
  t.equal(q:join(0), false)
  p:start()
  t.equal(q:join(t.limit), true)
  p:join()
  t.equal(pcall(q.task_done, q), false)
end)

t.test("what a killed producer had put whole is there, and others go on", function()
  local q, ready = mp.Queue(), mp.Queue()
  local big = ("b"):rep(100000)
  local p = mp.Process { target = function(out, go)
    for i = 1, 10 do out:put { i, big } end
    go:put(true)
    while true do out:put { 0, big } out:get() end
  end, args = { q, ready } }:start()
  ready:get()
  p:kill()
  p:join()
  local last = 0
  while true do
    local item = q:get(true, 1)
    if item == nil then break end
    t.equal(#item[2], 100000)
    if item[1] ~= 0 then
      t.equal(item[1] > last, true)
      last = item[1]
    end
  end
  q:put("after")
  t.equal(q:get(), "after")
end)

t.test("no item comes twice and none is torn while both sides are killed", function()
  local q, got = mp.Queue(100), mp.Queue(100)
  local big = ("b"):rep(3000)
  local function producer(out, id) for i = 1, math.huge do out:put(i % 7 == 0 and { id, i, big } or { id, i }) end end
  local function consumer(from, to) while true do to:put(from:get()) end end
  local processes, seen, last, id = {}, {}, {}, 0
  local function fill()
    while #processes < 4 do
      id = id + 1
      local side = id % 2 == 0 and { producer, { q, id } } or { consumer, { q, got } }
      processes[#processes + 1] = mp.Process { target = side[1], args = side[2], daemon = true }:start()
    end
  end
  for _ = 1, t.hostile and 4 or 12 do
    fill()
    for _ = 1, t.hostile and 10 or 200 do
      local item = got:get(true, 2)
      if item == nil then break end
      local key = item[1] .. ":" .. item[2]
      t.equal(seen[key], nil)
      seen[key] = true
      if item[3] then t.equal(item[3], big) end
    end
    local p = table.remove(processes, 1)
    p:kill()
    p:join()
  end
  t.equal(next(seen) ~= nil, true)
  for _, p in ipairs(processes) do
    p:kill()
    p:join()
  end
end)

t.test("what is no boolean does not say which way a Pipe goes", function()
  for _, v in ipairs { 0, "no", { duplex = false } } do t.raises("boolean expected", mp.Pipe, v) end
end)

t.test("metamethods of shared objects refuse what is none", function()
  for _, object in ipairs { mp.Lock(), mp.Queue(), mp.Value("i64", 0), (mp.Pipe()) } do
    local meta = debug.getmetatable(object)
    for _, v in ipairs { false, io.stdout, 1 } do
      t.raises("gilua.multiprocessing object expected", meta.__gc, v)
      t.raises("gilua.multiprocessing object expected", meta.__reduce, v)
    end
  end
end)

t.test("a limit on the size of files that is too low for shared memory is named", function()
  local text = t.run({ "-e", 'print(pcall(require "gilua.multiprocessing".Lock))' }, { before = "ulimit -f 100; " })
  assert(text:find("File too large", 1, true), text)
end)

t.test("what one end of a Pipe sends the other receives; then it is closed", function()
  local a, b = mp.Pipe()
  local p = mp.Process { target = function(conn)
    conn:send { conn:recv() .. "!" }
    conn:send(nil)
    conn:send_bytes "raw"
    conn:send(select(2, conn:recv()))
  end, args = { b } }:start()
  b:close()
  t.equal(b.closed, true)
  a:send "hello"
  t.equal(a:recv()[1], "hello!")
  t.equal(select("#", a:recv()), 1)
  t.equal(a:recv_bytes(), "raw")
  t.equal(a:poll(), false)
  t.equal(select(2, a:recv(0)), "timeout")
  p:kill()
  p:join()
  t.equal(select(2, a:recv()), "closed")
  t.equal(a:poll(), true)
  t.eventually(function() return select(2, a:send(1)) == "closed" end)
end)

t.test("recv_bytes takes no value that is no string: recv gets it", function()
  local a, b = mp.Pipe()
  for _, v in ipairs { 1, 1.5, true } do
    a:send(v)
    t.raises("no string", b.recv_bytes, b)
    t.raises("no string", b.recv_bytes, b, 0)
    t.equal(b:recv(), v)
  end
  a:send { "x" }
  t.raises("no string", b.recv_bytes, b)
  t.equal(b:recv()[1], "x")
  a:send(("y"):rep(5000))
  t.equal(#b:recv_bytes(), 5000)
end)

t.test("a process that waits sees that the program has closed its end", function()
  local a, b = mp.Pipe()
  local said = mp.Queue()
  local p = mp.Process { target = function(conn, out) out:put { conn:recv() } out:put(select(2, conn:recv())) end, args = { b, said } }
  p:start()
  b:close()
  a:send "last"
  t.equal(said:get()[1], "last")
  a:close()
  t.equal(said:get(), "closed")
  p:join()
end)

t.test("a Pipe that goes one way", function()
  local r, w = mp.Pipe(false)
  t.equal(pcall(r.send, r, 1), false)
  t.equal(pcall(w.recv, w), false)
  t.equal(w:send(5), true)
  t.equal(r:recv(), 5)
  w:close()
  t.equal(select(2, r:recv()), "closed")
end)

t.test("ten thousand queues are open at once and need no descriptor each", function()
  local list = {}
  local n = t.hostile and 200 or 10000
  for i = 1, n do list[i] = mp.Queue() end
  for i = 1, n, 97 do list[i]:put(i) end
  for i = 1, n, 97 do t.equal(list[i]:get(), i) end
end)

t.test("memory of queues that were dropped is used again", function()
  local big = ("m"):rep(1 << 20)
  for _ = 1, t.hostile and 3 or 100 do
    local q = mp.Queue()
    q:put(big)
    q:put(big)
    t.equal(#q:get(), #big)
    q = nil
    collectgarbage()
  end
end)

-- How many bytes of the shared memory of this process exist.
local touched = [[
  local function touched()
    local p <close> = io.popen("for f in /proc/$PPID/fd/*; do case $(readlink $f) in /memfd:gilua.shared*) stat -Lc %b $f; esac; done")
    return p:read("n") * 512
  end
]]

t.test("memory of small items goes back to the system when they are taken out", function()
  if t.hostile then return end
  t.equal(t.run { "-e", touched .. [[
    local q = require "gilua.multiprocessing".Queue()
    local item = ("i"):rep(2000)
    for _ = 1, 100000 do q:put(item) end
    print(touched() > 200000000)
    for _ = 1, 100000 do q:get() end
    print(touched() < 100000000)
  ]] }, "true\ntrue\n")
end)

t.test("what a killed process had is used before the memory is full, and larger pieces where there are no others", function()
  t.equal(t.run({ "-e", [[
    local mp = require "gilua.multiprocessing"
    local ready = mp.Queue()
    local function fill(q, size)
      local item = ("x"):rep(size)
      while pcall(q.put, q, item) do end
      return q:qsize()
    end
    local p = mp.Process { target = function(r)
      local kept = require "gilua.multiprocessing".Queue()
      r:put(fill(kept, 1 << 20))
      require "gilua.time".sleep(1000)
      kept:close()
    end, args = { ready } }:start()
    local theirs = ready:get()
    local q = mp.Queue()
    print(theirs > 3, fill(q, 1 << 20))
    p:kill()
    p:join()
    local n = fill(q, 1 << 20)
    print(n >= theirs - 1)
    while q:get_nowait() do end
    print(fill(q, 1 << 19) >= n)
  ]] }, { before = "ulimit -f 32768; " }), "true\t0\ntrue\ntrue\n")
end)

t.test("closing an end of a Pipe ends what other threads of the process do with it", function()
  local a, b = mp.Pipe()
  local thread = threading.start(function() return a:recv() end)
  local poller = threading.start(function() return a:poll(1000) end)
  t.parked { thread, poller }
  a:close()
  t.equal(a.closed, true)
  t.equal(pcall(a.recv, a), false)
  t.equal(select(2, thread:result()), "closed")
  t.equal(poller:result(), false)
  t.equal(select(2, b:recv()), "closed")
  t.equal(select(2, b:send(1)), "closed")
end)

t.test("closing a queue ends what other threads of the process do with it", function()
  local full, empty = mp.JoinableQueue(1), mp.Queue()
  full:put(1)
  local getter = threading.start(function() return empty:get() end)
  local putter = threading.start(function() return full:put(2) end)
  local joiner = threading.start(function() return full:join() end)
  t.parked { getter, putter, joiner }
  full:close()
  empty:close()
  t.equal(select(2, getter:result()), "closed")
  t.equal(select(2, putter:result()), "closed")
  t.equal(joiner:result(), false)
  for _ = 1, 20 do mp.Queue():put(("x"):rep(5000)) end -- what uses freed memory shows
end)

t.test("a __reduce may close the queue that its value is put into", function()
  local a, b = mp.Pipe()
  local q = mp.Queue()
  local function closer(...)
    local list = { ... }
    return setmetatable({}, { __reduce = function()
      for _, x in ipairs(list) do x:close() end
      return tostring, 1
    end })
  end
  local ok, err = pcall(q.put, q, closer(q))
  t.equal(ok, false)
  t.equal(require "gilua".is_error(err, "invalid_state"), true)
  t.equal(pcall(a.send, a, closer(a, b)), false)
end)

t.test("an end that a process inherits while a thread waits with it is closed there at once", function()
  local a, b = mp.Pipe()
  local thread = threading.start(function() return a:recv() end)
  t.parked { thread }
  local p = mp.Process { target = function(x, y)
    x:close()
    y:send(x.closed and "closed")
  end, args = { a, b } }:start()
  t.equal(thread:result(), "closed")
  p:join()
end)

t.finish()
