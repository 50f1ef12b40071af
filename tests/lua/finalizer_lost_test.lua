-- Lua drops the finalizer of what it finds dead where no C call fits any more, or no memory is left: nothing may lead to such an
-- object afterwards. (memory_test.c has the allocator.) What the finalizer would have freed is lost; nothing else is.
local t = require "testing"

-- What is found dead inside loses its finalizer; `above` C calls higher it is called, and what that calls fails.
local PRELUDE = [[
local function lose(above)
  local function sink()
    local fits, left = pcall(sink)
    if not fits then left = above end
    if left == 0 then collectgarbage() end
    return left - 1
  end
  collectgarbage "stop"
  sink()
  collectgarbage "restart"
  collectgarbage()
  for i = 1, 500 do local _ = { i } end
end
local called = false
setmetatable({}, { __gc = function() called = true end })
lose(0)
collectgarbage()
if called then io.write "end" os.exit() end -- this Lua (5.4.9) drops no finalizer there
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local mp = require "gilua.multiprocessing"
local native = require "gilua.native"
local pending = { futures.Future(), futures.Future(), futures.Future() }
local function decide() for i = 1, 3 do pending[i]:set_result(i) end end
]]

-- make: its source; what it returns is called when the finalizers are lost. The program ends.
local function test(name, make)
  t.test(name, function()
    for above = 0, 2 do
      local code = PRELUDE .. "local function make()\n" .. make .. "\nend\nfor _ = 1, 3 do local keep = make() lose(" ..
        above .. ") if keep then keep() end end io.write 'end'"
      local text, status = t.run({ "-e", code }, { before = "ASAN_OPTIONS=detect_leaks=0:$ASAN_OPTIONS timeout 300 " })
      t.equal(text, "end")
      t.equal(status, 0)
    end
  end)
end

test("a pool of threads is not missed at the end", [[
  local pool = futures.ThreadPoolExecutor(2)
  pool:submit(math.max, 1, 2):result()]])

test("many pools are not missed when many more are made", [[
  local kept = {}
  for i = 1, 40 do kept[i] = futures.ThreadPoolExecutor(1) end
  return function() for i = 1, 100 do kept[i] = futures.ThreadPoolExecutor(1) end end]])

test("a pool of threads does what it was given", [[
  local gate, pool = threading.Event(), futures.ThreadPoolExecutor(1)
  local first, last = pool:submit(gate.wait, gate), pool:submit(math.max, 1, 2)
  return function() gate:set() assert(first:result() and last:result() == 2) end]])

test("a pool of threads breaks", [[
  local gate = threading.Event()
  local pool = futures.ThreadPoolExecutor { max_workers = 1, initializer = function() gate:wait() error "no" end }
  local future = pool:submit(math.max, 1, 2)
  return function() gate:set() assert(not pcall(future.result, future)) end]])

test("a pool of processes does what it was given, and is not missed at the end", [[
  local pool = futures.ProcessPoolExecutor(1)
  local future = pool:submit(math.max, 1, 2)
  return function() assert(future:result() == 2) end]])

test("a pool of processes ends without the futures of its tasks", [[
  local pool = futures.ProcessPoolExecutor(1)
  pool:submit(math.max, 1, 2)
  return function() pool:shutdown() end]])

test("futures are decided that an iterator waited for", [[
  futures.as_completed(pending)
  pending = { futures.Future(), futures.Future(), futures.Future() }
  futures.as_completed(pending)
  local ready = futures.as_completed(pending)
  return function() ready = nil collectgarbage() decide() end]])

test("futures are decided that a call waited for", [[
  futures.wait(pending, 0)
  pending = { futures.Future(), futures.Future(), futures.Future() }
  futures.wait(pending, 0)
  return decide]])

test("maps end in the middle", [[
  local pool = mp.Pool(1)
  local function same(x) return x end
  pool:imap_unordered(same, { 1, 2, 3, 4 })()
  pool:imap(same, { 1, 2, 3, 4 })()
  return function() pool:apply(same, { 1 }) pool:terminate() end]])

test("processes are joined", [[
  local process = mp.Process { target = function() end }
  process:start()
  mp.Process { target = function() end }
  return function() process:join() end]])

test("what processes share goes on", [[
  mp.Value("i64", 1)
  mp.Pipe()
  local queue = mp.Queue()
  queue:put(mp.Lock())
  return function() queue:get() end]])

test("a view keeps its buffer", [[
  local buffer = native.buffer("i64", 10)
  buffer:view(2, 4)
  return function() pcall(buffer.resize, buffer, 20) buffer[3] = 1 end]])

t.finish()
