-- Every table of options refuses fields that it does not know, and values that cannot be.
local t = require "testing"
local futures, mp, pickle = require "gilua.futures", require "gilua.multiprocessing", require "gilua.pickle"
local native, ctypes, threading = require "gilua.native", require "gilua.ctypes", require "gilua.threading"

local pool <close> = futures.ThreadPoolExecutor(1)
local packed, libm = native.compress("abc"), ctypes.load("libm.so.6")

-- {name, call with options, fields that cannot have a function (or, where they can, a number) as their value}
local takers = {
  { "Thread", threading.Thread, { "args", "name", "daemon" }, { "target" } },
  { "ThreadPoolExecutor", futures.ThreadPoolExecutor,
    { "max_workers", "thread_name_prefix", "initargs", "show_progress" }, { "initializer" } },
  { "ProcessPoolExecutor", futures.ProcessPoolExecutor, { "max_workers", "initargs", "max_tasks_per_child", "task_timeout",
    "retries", "max_pending", "memory_limit", "start", "show_progress" }, { "initializer" } },
  { "Pool", mp.Pool, { "processes", "initargs", "maxtasksperchild" }, { "initializer" } },
  { "Process", mp.Process, { "args", "name", "daemon" }, { "target" } },
  { "shutdown", function(o) return pool:shutdown(o) end, { "wait", "cancel_futures" } },
  { "map", function(o) return pool:map(print, {}, o) end, { "chunksize", "timeout", "buffersize" } },
  { "wait", function(o) return futures.wait({}, o) end, { "timeout", "return_when" } },
  { "loads", function(o) return pickle.loads(pickle.dumps(1), o) end, { "functions", "names" } },
  { "compress", function(o) return native.compress("abc", o) end, { "format", "level", "buffer" } },
  { "decompress", function(o) return native.decompress(packed, o) end, { "format", "max_size", "buffer" } },
  { "func", function(o) return libm:func("cos", "double", { "double" }, o) end, { "release" } },
  { "load", function(o) return ctypes.load("libm.so.6", o) end, { "global" } },
}

for _, taker in ipairs(takers) do
  local name, call, fields, calls = table.unpack(taker)
  t.test(name .. ": an unknown field is named, and so are those that there are", function()
    t.raises("'mispelt'.*" .. (fields[1] or ""), call, { mispelt = true })
  end)
  t.test(name .. ": a value of a wrong type is an error that names the field", function()
    for _, field in ipairs(fields) do t.raises(field, call, { [field] = print }) end
    for _, field in ipairs(calls or {}) do t.raises(field, call, { [field] = 1 }) end
  end)
end

t.test("a zero byte is no end of a name, a word or a path", function()
  local gil, gilua, queue = require "gilua.gil", require "gilua", require "gilua.queue"
  for _, taker in ipairs(takers) do t.raises("unknown field", taker[2], { [taker[3][1] .. "\0"] = 1 }) end
  t.raises("return_when", futures.wait, {}, { return_when = "ALL_COMPLETED\0" })
  t.raises("start", futures.ProcessPoolExecutor, { start = "fork\0" })
  for _, call in ipairs { function(s) ctypes.load(s) end, function(s) libm:func(s, "int", {}) end, function(s) libm:symbol(s) end,
    function(s) libm:var(s, "int") end, function(s) gil.policy(s) end, function(s) gil.trace(s) end, function(s) gil.dump(s) end,
    function(s) native.buffer(s, 1) end, function(s) mp.shared_array(s, 1) end, function(s) mp.Value(s, 1) end } do
    for _, text in ipairs { "fair\0", "m\0x", "cos\0x", "f64\0", "\0" } do
      t.raises("bad argument #%d to '[%w_]+' %(must not have a zero byte", call, text)
    end
  end
  t.raises("bad argument #2 to 'is_error' %(must not have a zero byte", function() gilua.is_error({}, "timeout\0") end)
  t.raises("unknown C type", ctypes.type, "int\0")
  local signal = require "gilua.signal"
  for _, call in ipairs { signal.getsignal, signal.raise_signal, signal.wait } do t.raises("unknown signal", call, "USR1\0") end
  t.raises("expected", signal.signal, "USR1", "ignore\0")
  t.raises("unknown option", ctypes.struct, { { "a", "int" }, ["name\0"] = "s" })
  t.raises("no field", function() return native.buffer("f64", 1)["type\0"] end)
  t.equal(threading.current_thread()["name\0"], nil)
  t.raises("no field", function() threading.current_thread()["name\0"] = "x" end)
  t.equal(gilua["queue\0"], nil)
  t.equal(gilua.queue, queue)
end)

t.test("what stands behind the table is an error", function()
  t.raises("bad argument #2 to '[%w.]*Thread' %(no value expected", threading.Thread, nil, print)
  t.raises("bad argument #2 to '[%w.]*ThreadPoolExecutor'", futures.ThreadPoolExecutor, 4, "prefix")
  t.raises("bad argument #2 to '[%w.]*Process'", mp.Process, nil, print)
end)

t.test("what is called with a lock held is checked before the lock is taken", function()
  for _, object in ipairs { threading.Lock(), threading.RLock(), threading.Condition(), threading.Semaphore() } do
    t.raises("bad argument #1 to 'with' %(function expected, got nil", function() object:with(nil) end)
  end
  t.raises("bad argument #1 to 'wait_for' %(function expected, got number", function()
    threading.Condition():wait_for(1)
  end)
end)

t.test("what is no table of options says what to write", function()
  local sleepy = futures.Future()
  t.raises("got function: Thread takes one table, {target = …}", threading.Thread, print)
  t.raises("got function: Process takes one table, {target = …}", mp.Process, print)
  t.raises("got boolean: shutdown takes one table, {wait = …}", pool.shutdown, pool, true)
  t.raises("got function: Pool takes one table, {processes = …}", mp.Pool, print)
  t.raises("got string: ThreadPoolExecutor takes one table, {max_workers = …}", futures.ThreadPoolExecutor, "4")
  t.equal(#select(2, futures.wait({ sleepy }, 0)), 1, "a number in its place is the timeout, as in Python")
end)

t.test("types of arrays that do not exist are named, and so are those that there are", function()
  t.raises("unknown type 'd': types are f64, f32, i64, i32 and u8", mp.shared_array, "d", 3)
  t.raises("unknown type 'l': types are f64, f32, i64, i32 and u8, or d, f, q, i and B", mp.Value, "l", 3)
  t.raises("unknown type 'float': types are f64, f32, i64, i32 and u8", native.buffer, "float", 3)
end)

t.test("map says what to write in the place of what it cannot take", function()
  for _, map in ipairs { function(...) return pool:map(print, ...) end, function(...) return pool:map(print, { 1 }, ...) end } do
    t.raises("pairs%(t%) needs a state", map, pairs { a = 1 })
    t.raises("pairs%(t%) needs a state", map, pairs { 1, 2 })
    t.raises("write q:items%(%)", map, require("gilua.queue").Queue())
    t.raises("write b:totable%(%)", map, native.buffer("u8", 3))
    t.raises("for its characters write s:gmatch", map, "abc")
  end
end)

t.test("map takes the items of a queue", function()
  local q, sum = require("gilua.queue").Queue(), 0
  local own <close> = futures.ThreadPoolExecutor(1)
  for i = 1, 5 do q:put(i) end
  q:shutdown()
  for x in own:map(function(x) return 10 * x end, q:items()) do sum = sum + x end
  t.equal(sum, 150)
end)

t.test("ctypes.string of a number, which could only be a wrong address, is an error", function()
  t.raises("pointer, buffer or callback expected, got number", ctypes.string, 5)
end)

t.test("a SimpleQueue has no bound, and says so", function()
  t.raises("a SimpleQueue has no bound", require("gilua.queue").SimpleQueue, 5)
end)

t.test("a count of arguments that is none is an error", function()
  for _, n in ipairs { 1.5, -1, "two", 1e9 } do
    t.raises("args", threading.Thread, { target = print, args = { n = n } })
    t.raises("args", mp.Process, { target = print, args = { n = n } })
    t.raises("initargs", futures.ThreadPoolExecutor, { initializer = print, initargs = { n = n } })
  end
end)

t.test("the table may be shared and stays as it is", function()
  local options = { max_workers = 2 }
  for _ = 1, 2 do
    local p <close> = futures.ThreadPoolExecutor(options)
    t.equal(options.max_workers, 2)
    t.equal(next(options, next(options)), nil)
  end
end)

t.test("a constructor is told what it does not take, whatever it makes", function()
  for n, call in ipairs {
    function() threading.Local {} end, function() native.buffer("u8", 1, 2) end, function() mp.shared_array("u8", 1, 2) end,
    function() ctypes.array("int", 1, 2) end, function() ctypes.pointer("int", 1) end, function() ctypes.type("int", 1) end,
    function() ctypes.struct({ { "x", "int" } }, "Point") end, function() ctypes.union({ { "x", "int" } }, "Point") end,
    function() ctypes.callback(print, "void", {}, {}) end,
  } do
    local ok, err = pcall(call)
    t.equal(not ok and err:find("%(no value expected%)") ~= nil, true, n .. ": " .. tostring(err))
  end
end)

t.test("an argument too many, as Python may have it, is an error", function()
  local gil = require "gilua.gil"
  local worker <close> = mp.Pool(1)
  for n, call in ipairs {
    function() pickle.dumps(1, 5) end, function() worker:apply(print, {}, { sep = "" }) end,
    function() worker:apply_async(print, {}, nil, nil, {}) end, function() worker:map(print, {}, 1, print) end,
    function() worker:map_async(print, {}, 1, nil, nil, {}) end, function() worker:imap(print, {}, 1, 1) end,
    function() futures.as_completed({}, 1, "FIRST_COMPLETED") end, function() gil.trace("trace.html", { format = "html" }) end,
    function() gil.dump(io.stderr, true) end,
  } do
    local ok, err = pcall(call)
    t.equal(not ok and err:find("%(no value expected%)") ~= nil, true, n .. ": " .. tostring(err))
  end
end)

t.test("numbers that a Pool cannot have are told by its own names for them", function()
  t.raises("'processes' to 'Pool' %(must be an integer from 1 to 1024, got 2000", function() mp.Pool(2000) end)
  t.raises("'maxtasksperchild' to 'Pool'", function() mp.Pool { maxtasksperchild = 1 << 32 } end)
end)

t.test("a function of a library that was not described is an error that says how", function()
  t.raises("libm.so.6 has no field 'cos': a function of it is library:func%(\"cos\", result, {parameters}%)", function() return libm.cos end)
end)

t.test("what is no address is told of, and what was forgotten", function()
  t.raises("bad argument #2 to 'cast' %(value expected", function() ctypes.cast("int") end)
  t.raises("bad argument #2 to 'cast' %(pointer, buffer, callback or address expected, got string", function() ctypes.cast("int", "x") end)
  t.raises("bad argument #1 to 'string' %(pointer, buffer or callback expected, got nil", function() ctypes.string(nil) end)
  t.equal(ctypes.cast("int*", nil), nil)
end)

t.test("a table with names in the place of a list is an error: it would do nothing", function()
  local f = futures.Future()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local worker <close> = mp.Pool(1)
  f:set_result(1)
  for n, call in ipairs {
    function() futures.wait { [f] = "url" } end, function() futures.as_completed { [f] = "url" } end,
    function() pool:map(print, { a = 1 }) end, function() pool:map(math.max, { 1 }, { chunksize = 1 }, { 2 }) end,
    function() worker:map(print, { a = 1 }) end, function() worker:imap(print, { a = 1 }) end,
    function() worker:apply(print, { x = 1 }) end, function() worker:starmap(print, { { x = 1 } }) end,
    function() threading.Thread { target = print, args = { x = 1 } } end, function() threading.Timer(1, print, { x = 1 }) end,
    function() mp.Process { target = print, args = { x = 1 } } end,
    function() futures.ThreadPoolExecutor { initializer = print, initargs = { x = 1 } } end,
    function() native.buffer("u8", { x = 1 }) end, function() ctypes.load():func("getpid", "int", { release = false }) end,
    function() ctypes.callback(print, "void", { x = "int" }) end,
  } do
    local ok, err = pcall(call)
    t.equal(not ok and err:find("list expected, got a table with names", 1, true) ~= nil, true, n .. ": " .. tostring(err))
  end
  t.equal(#futures.wait {}, 0)
  t.equal(worker:apply(function(...) return select("#", ...) end, { n = 2 }), 2)
  local elements = setmetatable({}, { __index = function(_, i) return i < 4 and i or nil end, __len = function() return 3 end })
  local sum = 0
  for x in pool:map(function(x) return x end, elements) do sum = sum + x end
  t.equal(sum, 6)
end)

t.test("a list that does not begin at 1 is an error: it would be an empty one", function()
  local f = futures.Future()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local worker <close> = mp.Pool(1)
  f:set_result(1)
  for _, first in ipairs { 0, 2, -1, 1.5 } do
    for n, call in ipairs {
      function() futures.wait { [first] = f } end, function() futures.as_completed { [first] = f } end,
      function() pool:map(print, { [first] = 1 }) end, function() worker:map(print, { [first] = 1 }) end,
      function() worker:imap(print, { [first] = 1 }) end, function() worker:starmap(print, { { [first] = 1 } }) end,
      function() worker:apply(print, { [first] = 1 }) end, function() worker:apply_async(print, { [first] = 1 }) end,
      function() threading.Thread { target = print, args = { [first] = 1 } } end,
      function() threading.Timer(1, print, { [first] = 1 }) end, function() mp.Process { target = print, args = { [first] = 1 } } end,
      function() futures.ThreadPoolExecutor { initializer = print, initargs = { [first] = 1 } } end,
      function() native.buffer("u8", { [first] = 1 }) end, function() native.buffer("u8", 4):assign(1, { [first] = 1 }) end,
      function() ctypes.new("int", { [first] = 1 }) end, function() ctypes.array("int", 3) { [first] = 1 } end,
      function() ctypes.load():func("abs", "int", { [first] = "int" }) end,
      function() ctypes.callback(print, "void", { [first] = "int" }) end,
    } do
      local ok, err = pcall(call)
      t.equal(not ok and err:find("list expected, got a table whose first element is nil", 1, true) ~= nil, true, n .. ": " .. tostring(err))
    end
    t.raises("no field " .. tostring(first):gsub("%p", "%%%0"), ctypes.struct { { "x", "int" } }, { [first] = 1 })
  end
  t.equal(worker:apply(select, { "#", nil, 2 }), 2, "nil may be among arguments")
  t.equal(worker:apply(function(...) return select("#", ...) end, { nil, 2 }), 2)
  t.equal(threading.Thread { target = select, args = { "#", n = 3 } }:start():result(), 2)
end)

t.test("a list of futures with a hole, or with options in it, is an error: they would not be waited for, or not be seen", function()
  local f, g = futures.Future(), futures.Future()
  f:set_result(1)
  for _, wait in ipairs { futures.wait, futures.as_completed } do
    t.raises("Future expected at 2, got nil", wait, { f, nil, g })
    t.raises("Future expected at 2, got nil", wait, { f, [3] = g })
    t.raises("list of futures expected, got one with a field 'timeout', too", wait, { f, timeout = 1 })
    t.raises("Future expected at 2, got number", wait, { f, 3 })
  end
  t.equal(#futures.wait { f, n = 1 }, 1)
end)

t.test("options among the elements of a list are an error: they would not be seen", function()
  local pool <close> = futures.ThreadPoolExecutor(1)
  local worker <close> = mp.Pool(1)
  for _, name in ipairs { "chunksize", "timeout", "buffersize" } do
    for _, call in ipairs { function(list) pool:map(print, list) end, function(list) pool:map(print, { 1 }, list) end,
      function(list) worker:map(print, list) end, function(list) worker:imap(print, list) end } do
      t.raises("list expected, got one with a field '" .. name .. "'", call, { 1, [name] = 2 })
    end
  end
end)

t.test("a list that says by metamethods what it has is an error where it would be an empty one", function()
  local elements = setmetatable({}, { __index = function(_, i) return i < 4 and i or nil end, __len = function() return 3 end })
  local numbered = setmetatable({ 1, 2 }, { __index = table })
  for _, call in ipairs { function(list) return native.buffer("u8", list) end, function(list) return ctypes.new("int", list) end } do
    t.raises("copy them", call, elements)
    t.equal(#call(numbered), 2)
  end
  t.equal(threading.Thread { target = select, args = setmetatable({}, { __index = function(_, i) return i == 1 and "#" or nil end,
    __len = function() return 2 end }) }:start():result(), 1)
end)

t.test("a mistake in a call of ctypes names the function and its argument", function()
  local Point = ctypes.struct { { "x", "int" } }
  t.raises("bad argument #1 to 'new' %(unknown C type 'integer'", function() ctypes.new "integer" end)
  t.raises("bad argument #2 to 'new' %(bad initial value: int expected, got boolean%)", function() ctypes.new("int", true) end)
  t.raises("bad argument #2 to 'new' %(bad initial value: list expected, got a table with names%)", function() ctypes.new("int", { x = 1 }) end)
  t.raises("bad argument #1 to 'Point' %(bad initial value: no field 'y'%)", function() Point { y = 1 } end)
  t.raises("bad argument #2 to 'func' %(unknown C type 'integer'", function() ctypes.load():func("abs", "integer") end)
  t.raises("bad argument #3 to 'func' %(parameter 2: unknown C type 'integer'", function() ctypes.load():func("abs", "int", { "int", "integer" }) end)
  t.raises("bad argument #3 to 'func' %(parameter 1: C type or its name expected, got number%)", function() ctypes.load():func("abs", "int", { 5 }) end)
  t.raises("bad argument #1 to 'struct' %(field 'x': unknown C type 'integer'", function() ctypes.struct { { "x", "integer" } } end)
  t.raises("bad argument #2 to 'offsetof' %(struct has no field 'y'%)", function() ctypes.offsetof(Point, "y") end)
  t.raises("bad argument #5 to 'func' %(no value expected%)", function() ctypes.load():func("abs", "int", { "int" }, nil, 5) end)
end)

t.test("what takes values of several kinds names all of them", function()
  t.raises("length, list, string or buffer expected, got boolean", native.buffer, "u8", true)
  t.raises("list, string or buffer expected, got boolean", function() native.buffer("u8", 1):assign(1, true) end)
  t.raises("Lock, RLock or Condition of gilua.multiprocessing expected, got table", mp.Lock().acquire, {})
end)

t.test("what is true or false is a boolean, and no table with the name of the argument", function()
  local queue = require "gilua.queue"
  local q = queue.Queue()
  q:put(1)
  t.raises("boolean expected, got table", q.shutdown, q, { immediate = false })
  t.equal(q:get(), 1)
  t.raises("boolean expected, got table", native.sha256, "", { raw = false })
  t.raises("'daemon' %(boolean expected, got number", function() threading.Thread().daemon = 0 end)
  q:shutdown(nil)
  t.equal(#native.sha256("", nil), 64)
end)

t.test("a field that cannot have a value names itself, and stays as it was", function()
  local thread, process = threading.Thread { target = print, name = "t" }, mp.Process { target = print, name = "p" }
  local whole, real = mp.Value("i32", 7), mp.Value("f64", 1.5)
  for _, case in ipairs { { thread, "name", {}, "string" }, { thread, "daemon", 1, "boolean" }, { process, "name", {}, "string" },
    { process, "daemon", 1, "boolean" }, { whole, "value", 1.5, "integer" }, { whole, "value", "x", "integer" },
    { real, "value", {}, "number" } } do
    local object, field, value, kind = table.unpack(case)
    local before = object[field]
    t.raises(("bad value for field '%s' %%(%s expected, got "):format(field, kind), function() object[field] = value end)
    t.equal(object[field], before)
  end
end)

t.finish()
