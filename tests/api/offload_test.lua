-- gilua_offload, gilua_submit and gilua_result from a module: LUA_CPATH leads to it.
local t = require "testing"
local m = require "offload_module"
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local gilua = require "gilua"

local OK, ETIMEOUT, ELUA = 0, -4, -6

local function same(got, want)
  t.equal(#got, #want)
  for i, value in ipairs(want) do t.equal(got[i], value, i) end
end

-- The process that runs this.
local function pid()
  local file <close> = assert(io.open "/proc/self/stat")
  return file:read "n"
end

local here = pid()

t.test("an offloaded function runs in another process, with its arguments and all its results", function()
  t.equal(m.offload(pid) ~= here, true)
  local factor = 3
  local results = table.pack(m.offload(function(...) return factor * select("#", ...), ... end, 1, nil, "x"))
  t.equal(results.n, 4)
  t.equal(results[1], 9)
  t.equal(results[2], 1)
  t.equal(results[4], "x")
end)

t.test("results are cut and filled to the number that was asked for, and the stack below stays", function()
  same({ m.offload_two(function() return 1, 2, 3 end) }, { OK, 1, 2 })
  t.equal(select("#", m.offload_two(function() end)), 3)
end)

t.test("the error of the task is the value that it raised", function()
  local code, e = m.offload_two(function() error { code = 7 } end)
  t.equal(code, ELUA)
  t.equal(e.code, 7)
  t.raises("boo", m.offload, function() error "boo" end)
end)

t.test("what cannot be sent, a worker that dies and what cannot be called are errors", function()
  t.raises_kind("pickle", m.offload, print, threading.Lock())
  t.raises_kind("worker_died", m.offload, function() os.exit(3) end)
  t.equal(m.offload(function() return "the next worker" end), "the next worker")
  t.raises("function expected", m.offload, 5)
end)

t.test("a task is submitted, waited for with a deadline, and its result taken twice", function()
  local gate = os.tmpname() -- the task ends when that file is gone
  local code, future, top = m.submit(nil, function(path)
    while os.rename(path, path) do require "gilua.time".sleep(0.001) end
    return 7, "done"
  end, gate)
  same({ code, top }, { OK, 2 })
  local late, kept = m.result(future, 1)
  os.remove(gate)
  t.equal(late, ETIMEOUT)
  t.equal(kept, future)
  same({ m.result(future) }, { OK, 7, "done" })
  same({ m.result(future, 0, 1) }, { OK, 7 })
  same({ m.result(future, 0, 0) }, { OK })
  t.equal(future:result(), 7)
end)

t.test("a task goes to the executor that is given", function()
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "given" }
  local _, future = m.submit(pool, function() return threading.current_thread().name end)
  local code, name = m.result(future)
  t.equal(code, OK)
  t.equal(name:find "^given" ~= nil, true)
  local bad, message = m.submit({}, print)
  t.equal(bad, ELUA)
  t.equal(message:find "executor expected, got table" ~= nil, true)
  pool:shutdown()
  local closed, e = m.submit(pool, print)
  t.equal(closed, ELUA)
  t.equal(gilua.is_error(e, "invalid_state"), true)
end)

t.test("many threads offload at once", function()
  local threads = t.start(4, function(i)
    for k = 1, 25 do t.equal(m.offload(function(a, b) return a * b end, i, k), i * k) end
  end)
  t.join(threads)
end)

t.test("who is cancelled while it waits takes the task along", function()
  local thread = threading.start(function()
    m.offload(function() while true do end end)
  end)
  t.parked(thread)
  thread:cancel()
  t.raises_kind("cancelled", function() thread:result() end)
  local _, future = m.submit(nil, pid) -- comes, if loops do not go on in every worker
  for i = 1, 8 do
    local t2 = threading.start(function() m.offload(function() while true do end end) end)
    t.parked(t2)
    t2:cancel()
    t2:join()
  end
  t.equal(m.result(future), OK)
  t.equal(m.offload(function() return 1 end), 1)
end)

t.test("inside a worker it is called at once, so tasks may offload tasks", function()
  local nested = m.offload(function()
    local inner = require "offload_module"
    local file <close> = assert(io.open "/proc/self/stat")
    local mine = file:read "n"
    local other = inner.offload(function() return io.open "/proc/self/stat":read "n" end)
    local _, future = inner.submit(nil, function() return "kept" end)
    local _, kept = inner.result(future)
    local _, failed = inner.submit(nil, error, "inner")
    return { mine == other, kept, inner.result(failed) }
  end)
  same(nested, { true, "kept", ELUA, "inner" })
end)

t.test("inside a finalizer nothing waits", function()
  local code, e
  setmetatable({}, { __gc = function() code, e = m.offload_two(function() while true do end end) end })
  collectgarbage()
  t.equal(code, ELUA)
  t.equal(gilua.is_error(e, "invalid_state"), true)
end)

-- The shared pool stays until the program ends: its collector, its zygote and a worker for each processor.
local processors = require "gilua.multiprocessing".cpu_count()
t.may_keep.threads, t.may_keep.processes, t.may_keep.descriptors = 3, 1 + processors, 20
t.may_keep["shared mappings"] = 4
t.finish()
