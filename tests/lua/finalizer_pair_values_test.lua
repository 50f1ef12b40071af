-- Futures, executors, messages, memory, files: each operation with each other operation of the object done by a finalizer,
-- at each place where the first one lets the collector run. Afterwards nothing is lost or there twice, and nothing was raised but
-- that a finalizer cannot wait, or that the other operation has ended what is used.
local t = require "testing"
local pairs_of = require "finalizer_pairs"
local futures = require "gilua.futures"
local mp = require "gilua.multiprocessing"
local pickle = require "gilua.pickle"
local native = require "gilua.native"
local ctypes = require "gilua.ctypes"
local signal = require "gilua.signal"
local gil = require "gilua.gil"
local test, new_item = pairs_of.test, pairs_of.new_item

t.may_keep["shared mappings"] = 3 -- the memory that processes share is kept
t.may_keep.descriptors = 6
t.may_keep.threads = 6

-- Futures and executors

test("Future", {
  make = function()
    return { future = futures.Future(), decided = 0, added = 0, called = {} }
  end,
  set = function(s)
    if pcall(s.future.set_result, s.future, { 1 }, {}, {}) then s.decided = s.decided + 1 end
  end,
  fail = function(s)
    if pcall(s.future.set_exception, s.future, { 2 }) then s.decided = s.decided + 1 end
  end,
  cancel = function(s)
    if not s.future:done() and s.future:cancel() then s.decided = s.decided + 1 end
  end,
  callback = function(s)
    local item = new_item()
    s.future:add_done_callback(function() s.called[item] = (s.called[item] or 0) + 1 end)
    s.added = s.added + 1
  end,
  wait = function(s) futures.wait({ s.future, futures.Future() }, 0) end,
  ready = function(s)
    local ready = futures.as_completed({ s.future }, 0)
    pcall(ready)
  end,
  result = function(s) pcall(s.future.result, s.future, 0) end,
  look = function(s) return s.future:done(), s.future:running(), s.future:cancelled(), tostring(s.future) end,
  check = function(s)
    if s.decided == 0 then
      s.future:set_result()
    else
      t.equal(s.decided, 1)
    end
    t.equal(s.future:wait(t.limit), true)
    t.eventually(function()
      local n = 0
      for _, times in pairs(s.called) do
        t.equal(times, 1, "calls of a callback")
        n = n + 1
      end
      return n == s.added
    end, "callbacks")
  end,
})

local function executor_kind(make, places)
  return {
    places = places,
    make = function() return { pool = make(), taken = {} } end,
    submit = function(s)
      local item = new_item()
      local future = s.pool:submit(function(a) return { a } end, item)
      s.taken[#s.taken + 1] = { future = future, item = item }
    end,
    map = function(s)
      local next_result = s.pool:map(function(a) return { a } end, { 1, 2, 3 })
      s.map = next_result
    end,
    shutdown = function(s)
      s.shut = true
      s.pool:shutdown { wait = false }
    end,
    stats = function() return gil.stats().pools end,
    look = function(s) return tostring(s.pool) end,
    check = function(s)
      for _, task in ipairs(s.taken) do t.equal(task.future:result(t.limit)[1], task.item) end
      for i = 1, s.map and 3 or 0 do
        local fine, value = pcall(s.map)
        t.equal(fine and value and value[1] == i or s.shut, true) -- a task that could not be submitted fails
      end
      s.pool:shutdown()
    end,
  }
end
test("ThreadPoolExecutor", executor_kind(function() return futures.ThreadPoolExecutor(2) end))

local terminated = executor_kind(function() return futures.ThreadPoolExecutor(1) end)
terminated.terminate = function(s) s.pool:terminate() end
terminated.cancel = function(s) s.pool:shutdown { wait = false, cancel_futures = true } end
terminated.map = nil
terminated.check = function(s)
  for _, task in ipairs(s.taken) do t.equal(task.future:wait(t.limit), true) end
  s.pool:shutdown()
end
test("ThreadPoolExecutor that is terminated", terminated)

-- One pool for all trials: a fork is slow where a program is large.
local processes
local with_processes = executor_kind(function()
  processes = processes or futures.ProcessPoolExecutor(1)
  return processes
end, 4)
with_processes.shutdown = nil
with_processes.check = function(s)
  for _, task in ipairs(s.taken) do t.equal(task.future:result(t.limit)[1], task.item) end
  if s.map then
    for i = 1, 3 do t.equal(s.map()[1], i) end
  end
end
with_processes.callback = function(s)
  local item = new_item()
  local future = s.pool:submit(function(a) return { a } end, item)
  future:add_done_callback(function() end)
  s.taken[#s.taken + 1] = { future = future, item = item }
end
with_processes.cancel = function(s) s.pool:submit(math.max, 1, 2):cancel() end
if not t.tsan then test("ProcessPoolExecutor", with_processes) end
if processes then processes:shutdown() end
processes = nil

test("map", {
  make = function()
    local s = { pool = futures.ThreadPoolExecutor(2), got = 0 }
    s.next_result, s.state, s.control, s.closing = s.pool:map(function(a) return { a } end, { 1, 2, 3, 4, 5, 6 })
    return s
  end,
  step = function(s)
    local fine, value = pcall(s.next_result)
    if fine and value then
      t.equal(value[1], s.got + 1)
      s.got = value[1]
    end
  end,
  close = function(s)
    debug.getmetatable(s.closing).__close(s.closing)
    s.closed = true
  end,
  check = function(s)
    for value in s.next_result do
      t.equal(value[1], s.got + 1)
      s.got = value[1]
    end
    if not s.closed then t.equal(s.got, 6) end
    s.pool:shutdown()
  end,
})

-- Messages

test("pickle", {
  make = function()
    local s = { value = { list = {}, name = "x" } }
    for i = 1, 10 do s.value.list[i] = { i, s.value.list[i - 1], ("text %d"):format(i) } end
    s.text = pickle.dumps(s.value)
    return s
  end,
  dump = function(s)
    local copy = pickle.loads(pickle.dumps(s.value))
    for i = 1, 10 do
      t.equal(copy.list[i][1], i)
      t.equal(copy.list[i][2], copy.list[i - 1])
    end
  end,
  load = function(s) t.equal(pickle.loads(s.text).list[10][1], 10) end,
  add = function(s) s.value[new_item()] = { {}, "new " .. new_item() } end,
  rename = function(s) s.value.name = "name " .. new_item() end,
  functions = function(s)
    local function f() return s.value.name end
    pickle.loads(pickle.dumps(f), { functions = true })
  end,
  check = function(s) t.equal(pickle.loads(pickle.dumps(s.value)).list[10][1], 10) end,
})

-- Native memory

test("buffer", {
  make = function() return { b = native.buffer("i64", { 5, 4, 3, 2, 1 }) } end,
  set = function(s) s.b[1] = new_item() end,
  resize = function(s) s.b:resize(#s.b > 100 and 5 or 200) end,
  free = function(s) s.b:free() end,
  view = function(s)
    local view = s.b:view(2, 3)
    view[1] = 7
    view:free()
  end,
  copy = function(s) return s.b:copy(), s.b:sub(2, 3), s.b:tostring(), s.b:totable() end,
  assign = function(s) s.b:assign(1, { 1, 2, 3 }) end,
  fill = function(s) s.b:fill(9) end,
  move = function(s) s.b:move(1, 2, 3) end,
  sort = function(s) native.sort(s.b) end,
  sum = function(s) return native.sum(s.b), native.dot(s.b, s.b) end,
  digest = function(s) return native.sha256(s.b), native.crc32(s.b) end,
  compress = function(s) return native.decompress(native.compress(s.b)) end,
  pickle = function(s) return pickle.loads(pickle.dumps(s.b)) end,
  cast = function(s) return ctypes.cast("int64_t*", s.b)[0] end,
  look = function(s) return tostring(s.b), s.b.nbytes, s.b == s.b end,
  check = function(s)
    collectgarbage() -- views
    pcall(s.b.free, s.b)
    t.equal(pcall(function() return s.b[1] end), false)
  end,
})

local point = ctypes.struct { { "x", "double" }, { "next", "void*" }, { "name", "char*" } }
local strlen = ctypes.load("libc.so.6"):func("strlen", "size_t", { "char*" })
test("ctypes", {
  make = function()
    local s = { array = ctypes.new("int", { 1, 2, 3, 4 }), point = point { x = 1 } }
    s.callback = ctypes.callback(function(a) return a end, "int", { "int" })
    return s
  end,
  set = function(s)
    s.point.x = 2
    s.point.next = s.array
    s.array[2] = 9
  end,
  get = function(s) return s.point.x, s.point.next, s.array[1] end,
  cast = function(s) return ctypes.cast("char*", s.array), ctypes.addressof(s.point) end,
  string = function(s) return ctypes.string(s.array, 4) end,
  new = function() return ctypes.new(point, 3), ctypes.new("char", 10), ctypes.array("int", 3) end,
  call = function() t.equal(strlen("abc" .. new_item()) > 3, true) end,
  copy = function(s) ctypes.copy(s.array, ctypes.new("int", { 4, 3, 2, 1 }), 16) end,
  free = function(s) s.callback:free() end,
  callback = function(s) s.other = ctypes.callback(function() end, "void", {}) s.other:free() end,
  look = function(s) return tostring(s.array), tostring(s.point), tostring(s.callback), ctypes.typeof(s.point) end,
  check = function(s) s.callback:free() t.equal(s.array[1] == 1 or s.array[1] == 4, true) end,
})

-- The rest

test("signal", {
  make = function() return { before = signal.getsignal("USR2") } end,
  set = function(s) signal.signal("USR2", function() s.heard = true end) end,
  ignore = function() signal.signal("USR2", "ignore") end,
  raise = function() if signal.getsignal("USR2") ~= "default" then signal.raise_signal("USR2") end end,
  alarm = function() signal.alarm(100) signal.alarm(0) end,
  wait = function() signal.wait({ "USR1" }, 0) end,
  look = function() return signal.getsignal("USR2"), #signal.names() end,
  check = function()
    signal.signal("USR2", function() end)
    local _ = { {} }
    signal.signal("USR2", "default")
    signal.alarm(0)
  end,
})

test("a recording", {
  make = function() return { name = os.tmpname() } end,
  start = function(s) gil.trace(s.name) end,
  stop = function() gil.trace() end,
  dump = function() gil.dump("/dev/null") end,
  stats = function() return gil.stats() end,
  watch = function() gil.on_long_hold(10, function() end) gil.on_long_hold(nil) end,
  check = function(s)
    gil.trace()
    os.remove(s.name)
  end,
})

test("a file", {
  make = function()
    local s = { name = os.tmpname() }
    s.file = io.open(s.name, "w+")
    s.file:write("line 1\nline 2\n12 0x1p3\n")
    s.file:seek("set")
    return s
  end,
  read = function(s) s.file:read("l", "n", "a") end,
  lines = function(s) for _ in s.file:lines() do local _ = {} end end,
  write = function(s) s.file:write("word ", 12, "\n", 1.5) end,
  seek = function(s) s.file:seek("set", 2) end,
  close = function(s) s.file:close() end,
  flush = function(s) s.file:flush() end,
  buffer = function(s) s.file:setvbuf("full", 100) end,
  look = function(s) return tostring(s.file), io.type(s.file) end,
  check = function(s)
    pcall(s.file.close, s.file)
    os.remove(s.name)
  end,
})

test("a coroutine", {
  make = function()
    local s = { steps = 0 }
    s.co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() s.closed = (s.closed or 0) + 1 end })
      for i = 1, 100 do
        s.steps = i
        coroutine.yield { i }
      end
    end)
    return s
  end,
  resume = function(s) coroutine.resume(s.co) end,
  close = function(s) if coroutine.status(s.co) == "suspended" then coroutine.close(s.co) end end,
  look = function(s) return coroutine.status(s.co), debug.traceback(s.co), debug.getinfo(s.co, 1) end,
  hook = function(s) debug.sethook(s.co, function() local _ = {} end, "", 1) debug.sethook(s.co) end,
  check = function(s)
    coroutine.close(s.co)
    t.equal(s.closed or 1, 1)
  end,
})

test("Process", {
  places = 2,
  make = function() return { process = mp.Process { target = function() end }, started = 0 } end,
  start = function(s) if pcall(s.process.start, s.process) then s.started = s.started + 1 end end,
  join = function(s) if s.started > 0 then s.process:join(0) end end,
  kill = function(s) if s.started > 0 then s.process:kill() end end,
  look = function(s) return s.process.pid, s.process.exitcode, tostring(s.process), #mp.active_children() end,
  rename = function(s) s.process.name = "p" .. new_item() end,
  check = function(s)
    t.equal(s.started <= 1, true)
    if s.started == 1 then t.equal(s.process:join(t.limit), true) end
    s.process:close()
  end,
})

test("shared_array", {
  make = function() return { array = mp.shared_array("i64", 8) } end,
  set = function(s) s.array[1] = new_item() end,
  copy = function(s) return s.array:copy(), s.array:sub(1, 2) end,
  free = function(s) s.array:free() end,
  view = function(s) s.array:view(1, 2):free() end,
  look = function(s) return tostring(s.array), #s.array end,
  check = function(s) pcall(s.array.free, s.array) end,
})

local pool
if not t.tsan then
  test("Pool", {
    places = 4,
    make = function()
      pool = pool or mp.Pool(1)
      local s = { called = 0, taken = {} }
      s.result = pool:apply_async(function() return { 1 } end, {}, function() s.called = s.called + 1 end)
      return s
    end,
    apply = function(s)
      local item = new_item()
      s.taken[item] = pool:apply_async(function(a) return { a } end, { item })
    end,
    map = function(s)
      local item = new_item()
      s.taken[item] = pool:map_async(function(a) return { a } end, { item })
    end,
    get = function(s) pcall(s.result.get, s.result, 0) end,
    wait = function(s) return s.result:wait(0), s.result:ready() end,
    look = function(s) return tostring(s.result), tostring(pool) end,
    check = function(s)
      for item, result in pairs(s.taken) do
        local value = result:get(t.limit)[1]
        t.equal(type(value) == "table" and value[1] or value, item)
      end
      t.equal(s.result:get(t.limit)[1], 1)
      t.eventually(function() return s.called == 1 end, "its callback")
    end,
  })
end
if pool then
  pool:terminate()
  pool:join()
end
pool = nil

local there, socket = pcall(require, "gilua.socket")
if there then
  test("a socket", {
    make = function()
      local listener = assert(socket.bind("127.0.0.1", 0))
      local ip, port = listener:getsockname()
      local s = { a = assert(socket.connect(ip, port)), sent = "", got = "" }
      s.b = listener:accept()
      listener:close()
      s.a:settimeout(0)
      s.b:settimeout(0)
      return s
    end,
    send = function(s)
      local text = new_item() .. ";"
      local last, _, part = s.a:send(text)
      s.sent = s.sent .. text:sub(1, last or part)
    end,
    receive = function(s)
      local text, _, part = s.b:receive(100)
      s.got = s.got .. (text or part)
    end,
    line = function(s)
      local text, _, part = s.b:receive("*l")
      s.got = s.got .. (text or part)
    end,
    select = function(s) socket.select({ s.b }, { s.a }, 0) end,
    timeout = function(s) s.b:settimeout(0, "t") end,
    look = function(s) return s.a:getpeername(), s.b:getsockname(), s.a:getstats(), tostring(s.a) end,
    close = function(s) s.a:close() end,
    check = function(s)
      s.a:close()
      s.b:settimeout(t.limit)
      local text, _, part = s.b:receive("*a")
      t.equal(s.got .. (text or part), s.sent)
      s.b:close()
    end,
  })
end

t.finish()
