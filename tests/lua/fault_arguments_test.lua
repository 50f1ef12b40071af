-- Wrong arguments of every function and method of threading, queue, time and gil: an error that names the function and
-- the argument, at the caller's position, and nothing has changed.
local t = require "testing"
local gilua = require "gilua"
local threading = require "gilua.threading"
local queue = require "gilua.queue"
local time = require "gilua.time"
local gil = require "gilua.gil"

local idle = threading.Event()
local env = setmetatable({
  gilua = gilua, threading = threading, queue = queue, time = time, gil = gil,
  lock = threading.Lock(), rlock = threading.RLock(), cond = threading.Condition(), event = threading.Event(),
  sem = threading.Semaphore(), bounded = threading.BoundedSemaphore(), barrier = threading.Barrier(2),
  q = queue.Queue(1), lifo = queue.LifoQueue(1), pq = queue.PriorityQueue(1), simple = queue.SimpleQueue(),
  new = threading.Thread(), thread = threading.start(idle.wait, idle), f = function() end, nan = 0 / 0,
}, { __index = _G })

local seen = {} -- names of functions and methods that were called wrongly

-- Runs a line of code, which must fail there with a message like the pattern.
local function fails(code, pattern)
  for name in code:gmatch("[%a_]+") do seen[name] = true end
  local ok, err = pcall(assert(load(code, "=line", "t", env)))
  if ok then error(code .. ": no error", 2) end
  if type(err) ~= "string" or not err:find(pattern) then error(code .. ": " .. tostring(err), 2) end
  if err:sub(1, 8) ~= "line:1: " then error(code .. ": the position is missing: " .. err, 2) end
end

local function bad(n, name, what) return ("bad argument #%d to '%s' %%(.*%s"):format(n, name, what) end

local number, integer, value = "number expected, got ", "number has no integer representation", "value expected"

local lines = {
  threading = {
    { "threading.Thread(5)", bad(1, "Thread", "table expected, got number") },
    { "threading.Thread{ target = 5 }", "'target' to 'Thread' %(function expected, got number" },
    { "threading.Thread{ target = {} }", "'target' to 'Thread' %(function expected, got table" },
    { "threading.Thread{ traget = f }", "unknown field 'traget' to 'Thread' %(it has target, args, name, daemon%)" },
    { "threading.Thread{ f }", "unknown field '1' to 'Thread'" },
    { "threading.Thread{ target = f, args = 5 }", "'args' to 'Thread' %(table expected, got number" },
    { "threading.Thread{ target = f, args = { n = 1e9 // 1 | 0 } }", "'args' to 'Thread' %(too many arguments" },
    { "threading.Thread{ target = f, args = { n = -1 } }", "'args' to 'Thread'" },
    { "threading.start()", bad(1, "start", "function expected, got no value") },
    { "threading.start({})", bad(1, "start", "function expected, got table") },
    { "threading.Timer()", bad(1, "Timer", number .. "no value") },
    { "threading.Timer('soon', f)", bad(1, "Timer", number .. "string") },
    { "threading.Timer(1)", bad(2, "Timer", "function expected, got no value") },
    { "threading.Timer(1, {})", bad(2, "Timer", "function expected, got table") },
    { "threading.Timer(1, f, 5)", bad(3, "Timer", "table expected, got number") },
    { "threading.stack_size('big')", bad(1, "stack_size", number .. "string") },
    { "threading.stack_size(1.5)", bad(1, "stack_size", integer) },
    { "threading.stack_size(1024)", bad(1, "stack_size", "1 MiB") },
    { "threading.stack_size(-1)", bad(1, "stack_size", "1 MiB") },
    { "threading.excepthook(thread)", bad(2, "excepthook", value) },
    { "threading.excepthook(5, 'x')", bad(1, "excepthook", "gilua.Thread expected, got number") },
    { "threading.Local()[nil] = 1", "index is nil" },
    { "threading.Condition(5)", bad(1, "Condition", "Lock, RLock or Condition expected, got number") },
    { "threading.Condition(event)", bad(1, "Condition", "Lock, RLock or Condition expected, got gilua.Event") },
    { "threading.Semaphore(-1)", bad(1, "Semaphore", "must not be negative") },
    { "threading.Semaphore({})", bad(1, "Semaphore", number .. "table") },
    { "threading.BoundedSemaphore(-1)", bad(1, "BoundedSemaphore", "must not be negative") },
    { "threading.BoundedSemaphore(0.5)", bad(1, "BoundedSemaphore", integer) },
    { "threading.Barrier()", bad(1, "Barrier", number .. "no value") },
    { "threading.Barrier(0)", bad(1, "Barrier", "must be one or more") },
    { "threading.Barrier(2, 5)", bad(2, "Barrier", "function expected, got number") },
  },
  ["a Thread"] = {
    { "new:join()", "cannot join a thread that was not started" },
    { "new:result()", "cannot join a thread that was not started" },
    { "thread:start()", "started only once" },
    { "threading.main_thread():start()", "started only once" },
    { "threading.current_thread():join()", "cannot join itself" },
    { "threading.current_thread():result()", "cannot join itself" },
    { "thread.daemon = true", "daemon cannot be set" },
    { "thread.name = {}", "name.*string expected, got table" },
    { "thread.ident = 1", "no field 'ident' that can be set" },
    { "thread.whatever = 1", "no field 'whatever' that can be set" },
    { "thread[1] = 1", "no field '1' that can be set" },
  },
  ["a lock"] = {
    { "lock:acquire(0.5)", bad(1, "acquire", "boolean expected, got number") },
    { "rlock:acquire(1)", bad(1, "acquire", "boolean expected, got number") },
    { "cond:acquire('no')", bad(1, "acquire", "boolean expected, got string") },
    { "sem:acquire(0)", bad(1, "acquire", "boolean expected, got number") },
    { "bounded:acquire({}, 1)", bad(1, "acquire", "boolean expected, got table") },
    { "lock:acquire(false, 1)", bad(2, "acquire", "a call that does not block takes no timeout") },
    { "rlock:acquire(false, 0)", bad(2, "acquire", "a call that does not block takes no timeout") },
    { "cond:acquire(false, 1)", bad(2, "acquire", "a call that does not block takes no timeout") },
    { "sem:acquire(false, 1)", bad(2, "acquire", "a call that does not block takes no timeout") },
    { "lock:with()", bad(1, "with", "function expected, got no value") },
    { "cond:with()", bad(1, "with", "function expected, got no value") },
    { "sem:with()", bad(1, "with", "function expected, got no value") },
    { "lock:release()", "release of a Lock that is not held" },
    { "rlock:release()", "release of an? RLock that is not held" },
    { "cond:release()", "release of an? RLock that is not held" },
    { "bounded:release()", "BoundedSemaphore released more often" },
    { "sem:release(0)", bad(1, "release", "must be one or more") },
    { "sem:release('x')", bad(1, "release", number .. "string") },
    { "cond:wait_for()", bad(1, "wait_for", "function expected, got no value") },
    { "cond:notify(-1)", bad(1, "notify", "must not be negative") },
    { "cond:notify(1.5)", bad(1, "notify", integer) },
    { "cond:notify({})", bad(1, "notify", number .. "table") },
    { "cond:notify()", "notify on a Condition whose lock is not held" },
    { "cond:notify_all()", "notify_all on a Condition whose lock is not held" },
    { "cond:wait()", "wait on a Condition whose lock is not held" },
    { "lock.field = 1", "no field 'field' that can be set" },
    { "barrier.parties = 1", "no field 'parties' that can be set" },
  },
  queue = {
    { "queue.Queue('big')", bad(1, "Queue", number .. "string") },
    { "queue.Queue(1.5)", bad(1, "Queue", integer) },
    { "queue.LifoQueue({})", bad(1, "LifoQueue", number .. "table") },
    { "queue.PriorityQueue(f)", bad(1, "PriorityQueue", number .. "function") },
    { "queue.PriorityQueue(0, 5)", bad(2, "PriorityQueue", "function expected, got number") },
    { "q:put()", bad(1, "put", "value other than nil expected, got no value") },
    { "q:put(nil)", bad(1, "put", "value other than nil expected, got nil") },
    { "lifo:put(nil, false)", bad(1, "put", "value other than nil expected, got nil") },
    { "q:put(1, 0.5)", bad(2, "put", "boolean expected, got number") },
    { "pq:put(1, 'no')", bad(2, "put", "boolean expected, got string") },
    { "simple:get(0.5)", bad(1, "get", "boolean expected, got number") },
    { "pq:get({}, 1)", bad(1, "get", "boolean expected, got table") },
    { "pq:put()", bad(1, "put", "value other than nil expected, got no value") },
    { "q:put_nowait()", bad(1, "put_nowait", "value other than nil expected, got no value") },
    { "pq:put_nowait()", bad(1, "put_nowait", "value other than nil expected, got no value") },
    { "q:task_done()", "task_done called more often than put" },
    { "pq:task_done()", "task_done called more often than put" },
    { "q.field = 1", "no field 'field' that can be set" },
  },
  ["time, gil and gilua"] = {
    { "time.sleep()", bad(1, "sleep", number .. "no value") },
    { "time.sleep(nil)", bad(1, "sleep", number .. "nil") },
    { "gil.switch_interval(0)", bad(1, "switch_interval", "1e%-6 to 1 second") },
    { "gil.switch_interval(nan)", bad(1, "switch_interval", "1e%-6 to 1 second") },
    { "gil.switch_interval('fast')", bad(1, "switch_interval", number .. "string") },
    { "gil.policy('unfair')", bad(1, "policy", "\"fair\", \"interval\" and \"ticks\"") },
    { "gil.policy({})", bad(1, "policy", "string expected, got table") },
    { "gil.trace({})", bad(1, "trace", "string expected, got table") },
    { "gil.dump({})", bad(1, "dump", "file or path expected, got table") },
    { "gil.on_long_hold('soon', print)", bad(1, "on_long_hold", number .. "string") },
    { "gil.on_long_hold(0, print)", bad(1, "on_long_hold", "must be a positive number of seconds") },
    { "gil.on_long_hold(1)", bad(2, "on_long_hold", "function expected, got no value") },
    { "gilua.is_error()", bad(1, "is_error", value) },
    { "gilua.is_error(1, {})", bad(2, "is_error", "string expected, got table") },
    { "gilua.traceback_of()", bad(1, "traceback_of", value) },
  },
}

for group, list in pairs(lines) do
  t.test("wrong arguments and calls: " .. group, function()
    local errors = {}
    for _, line in ipairs(list) do
      local ok, err = pcall(fails, line[1], line[2])
      if not ok then errors[#errors + 1] = err end
    end
    if #errors > 0 then error(table.concat(errors, "\n"), 0) end
  end)
end

-- Every place for a timeout, as %s, with the number of the argument and the name of the function.
local timeouts = {
  { "lock:acquire(true, %s)", 2, "acquire" }, { "rlock:acquire(true, %s)", 2, "acquire" },
  { "cond:acquire(true, %s)", 2, "acquire" }, { "sem:acquire(true, %s)", 2, "acquire" },
  { "bounded:acquire(true, %s)", 2, "acquire" }, { "cond:wait(%s)", 1, "wait" },
  { "cond:wait_for(f, %s)", 2, "wait_for" }, { "event:wait(%s)", 1, "wait" }, { "barrier:wait(%s)", 1, "wait" },
  { "threading.Barrier(2, nil, %s)", 3, "Barrier" },
  { "q:get(true, %s)", 2, "get" }, { "lifo:get(true, %s)", 2, "get" }, { "pq:get(true, %s)", 2, "get" },
  { "simple:get(true, %s)", 2, "get" }, { "q:put(1, true, %s)", 3, "put" }, { "lifo:put(1, true, %s)", 3, "put" },
  { "pq:put(1, true, %s)", 3, "put" }, { "simple:put(1, true, %s)", 3, "put" }, { "q:join(%s)", 1, "join" },
  { "pq:join(%s)", 1, "join" }, { "thread:join(%s)", 1, "join" }, { "thread:result(%s)", 1, "result" },
  { "time.sleep(%s)", 1, "sleep" }, { "threading.Timer(%s, f)", 1, "Timer" },
}

t.test("no timeout is negative, NaN, endless or no number", function()
  for _, place in ipairs(timeouts) do
    local code, n, name = table.unpack(place)
    for _, timeout in ipairs { "-1", "-1e-300", "math.mininteger", "-math.huge", "nan", "-nan" } do
      fails(code:format(timeout), bad(n, name, "timeout must not be negative or NaN"))
    end
    for _, timeout in ipairs { "math.huge", "math.maxinteger", "threading.TIMEOUT_MAX * 1.001" } do
      fails(code:format(timeout), bad(n, name, "timeout is too large"))
    end
    fails(code:format("'soon'"), bad(n, name, number .. "string"))
    fails(code:format("{}"), bad(n, name, number .. "table"))
    fails(code:format("true"), bad(n, name, number .. "boolean"))
  end
end)

t.test("a wrong call leaves everything as it was", function()
  for _, name in ipairs { "lock", "rlock", "cond" } do t.equal(env[name]:locked(), false) end
  for _, name in ipairs { "sem", "bounded" } do
    t.equal(env[name]:acquire(false), true)
    t.equal(env[name]:acquire(false), false)
    env[name]:release()
  end
  for _, name in ipairs { "q", "lifo", "pq", "simple" } do
    t.equal(env[name]:qsize(), 0)
    t.equal(env[name]:join(0), true)
  end
  t.equal(env.event:is_set(), false)
  t.equal(env.barrier.n_waiting, 0)
  t.equal(env.barrier.broken, false)
  t.equal(env.new.ident, nil)
  t.equal(env.thread.waits_for, "event")
  t.equal(threading.stack_size(), 0)
end)

-- The methods of an object, which its metatable does not show.
local function methods_of(object)
  local index = debug.getmetatable(object).__index
  if type(index) == "function" then index = select(2, debug.getupvalue(index, 1)) end
  return index
end

local objects = { "lock", "rlock", "cond", "event", "sem", "bounded", "barrier", "q", "pq", "new" }

t.test("every method refuses every object that is not its own", function()
  for _, name in ipairs(objects) do
    for method in pairs(methods_of(env[name])) do
      for _, other in ipairs { "nil", "5", "{}", "io.stdout", name == "event" and "q" or "event" } do
        local arguments = method == "wait_for" and other .. ", f" or other
        fails(("%s.%s(%s)"):format(name, method, arguments), bad(1, method, "expected, got "))
      end
    end
  end
end)

t.test("no function or method was forgotten above", function()
  local harmless = { -- take nothing, or anything
    Lock = true, RLock = true, Event = true, SimpleQueue = true, Local = true, enumerate = true, active_count = true,
    current_thread = true, main_thread = true, get_ident = true, get_native_id = true, stats = true, time = true,
    time_ns = true, monotonic = true, monotonic_ns = true, perf_counter = true, perf_counter_ns = true,
  }
  for _, module in ipairs { threading, queue, time, gil } do
    for name, f in pairs(module) do
      if type(f) == "function" then t.equal(seen[name] or harmless[name], true, name) end
    end
  end
  for _, object in ipairs(objects) do
    for method in pairs(methods_of(env[object])) do t.equal(seen[method], true, object .. ":" .. method) end
  end
end)

idle:set()
env.thread:join()
t.finish()
