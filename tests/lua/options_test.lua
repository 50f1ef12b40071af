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
    function(s) native.buffer(s, 1) end, function(s) mp.shared_array(s, 1) end } do
    for _, text in ipairs { "fair\0", "m\0x", "cos\0x", "f64\0", "\0" } do
      t.raises("bad argument #%d to '[%w_]+' %(must not have a zero byte", call, text)
    end
  end
  t.raises("bad argument #2 to 'is_error' %(must not have a zero byte", function() gilua.is_error({}, "timeout\0") end)
  t.raises("unknown C type", ctypes.type, "int\0")
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

t.finish()
