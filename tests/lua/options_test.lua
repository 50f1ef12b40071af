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
