-- The first use of an object makes what it needs; a finalizer that comes in the middle of that uses the object, too. Neither's work
-- may be lost, whichever place of the other it comes at.
local t = require "testing"
local threading = require "gilua.threading"
local futures = require "gilua.futures"
local queue = require "gilua.queue"
local time = require "gilua.time"
local pickle = require "gilua.pickle"

local function test(name, case)
  t.test(name, function() t.at_each_place(case) end)
end

-- case(n) in a thread of its own, which has used nothing yet.
local function in_thread(case)
  return function(n) return threading.start(case, n):result(t.limit) end
end

-- What a Local keeps if a finalizer sets one field while another is set.
local function set_both(n)
  local l = threading.Local()
  local reached = t.amid(function() l.mine = 1 end, function() l.finalizers = 2 end, n)
  t.equal(l.mine, 1)
  if reached then t.equal(l.finalizers, 2, "what the finalizer set") end
  return reached
end

test("a Local keeps what a finalizer sets while its contents are made", set_both)
test("a thread's first Local keeps what a finalizer sets while it is made", in_thread(set_both))

test("the main thread has one Thread object, also if a finalizer asks for it while it is made", function(n)
  local text, status = t.run { "-e", ([[
    local t = require "testing"
    local threading, other = require "gilua.threading"
    local reached, mine = t.amid(threading.current_thread, function() other = threading.current_thread() end, %d)
    io.write(not reached and "end" or mine == other and mine == threading.main_thread() and "one" or "two")]]):format(n) }
  t.equal(status, 0, text)
  if text ~= "end" then t.equal(text, "one") end
  return text ~= "end"
end)

test("a name that a finalizer gives while the default name is made stays", function(n)
  local thread = threading.Thread { target = print }
  local reached = t.amid(function() return thread.name end, function() thread.name = "its own" end, n)
  if reached then t.equal(thread.name, "its own") end
  return reached
end)

test("a thread is started once, by its program or by a finalizer meanwhile", function(n)
  local thread, mine, finalizers = threading.Thread { target = function() end }, nil, nil
  local reached = t.amid(function() mine = pcall(thread.start, thread) end,
    function() finalizers = pcall(thread.start, thread) end, n)
  t.equal(mine, not finalizers)
  t.equal(thread:join(t.limit), true)
  return reached
end)

test("a Timer that a finalizer cancels while it is started ends", function(n)
  local timer = threading.Timer(60, function() end)
  local reached = t.amid(function() timer:start() end, function() timer:cancel() end, n)
  timer:cancel()
  t.equal(timer:join(t.limit), true)
  return reached
end)

-- future: not decided; decide() does it.
local function add_both(n, future, decide)
  local mine, finalizers = threading.Event(), threading.Event()
  local reached = t.amid(function() future:add_done_callback(function() mine:set() end) end,
    function() future:add_done_callback(function() finalizers:set() end) end, n)
  decide()
  t.equal(mine:wait(t.limit), true)
  if reached then t.equal(finalizers:wait(t.limit), true, "the finalizer's callback is called") end
  return reached
end

test("a Future calls what a finalizer adds while its first callback is added", function(n)
  local future = futures.Future()
  return add_both(n, future, function() future:set_result() end)
end)

test("a task's future calls what a finalizer adds while its first callback is added", function(n)
  local pool <close> = futures.ThreadPoolExecutor(1)
  local gate = threading.Event()
  return add_both(n, pool:submit(gate.wait, gate), function() gate:set() end)
end)

test("a Future is decided once, by its program or by a finalizer meanwhile", function(n)
  local future, mine, finalizers = futures.Future(), nil, nil
  local reached = t.amid(function() mine = pcall(future.set_result, future, { 1 }) end,
    function() finalizers = pcall(future.set_exception, future, { 2 }) end, n)
  t.equal(mine, not finalizers)
  t.equal(future:exception(0) == nil, mine)
  return reached
end)

test("a pool does what a finalizer submits while the first task is submitted", function(n)
  local pool <close> = futures.ThreadPoolExecutor(2)
  local finalizers
  local reached, mine = t.amid(function() return pool:submit(function() return { 1 } end) end,
    function() finalizers = pool:submit(function() return { 2 } end) end, n)
  t.equal(mine:result(t.limit)[1], 1)
  if reached then t.equal(finalizers:result(t.limit)[1], 2) end
  return reached
end)

test("a task that is submitted while a finalizer ends its pool is decided, or refused", function(n)
  local pool <close> = futures.ThreadPoolExecutor(1)
  local reached, taken, future = t.amid(function() return pcall(pool.submit, pool, function() return {} end) end,
    function() pool:terminate() end, n)
  if taken then t.equal(future:wait(t.limit), true) end
  return reached
end)

test("a wait for several futures sees the one that a finalizer decides while it begins", function(n)
  local first, second = futures.Future(), futures.Future()
  local reached, done, not_done = t.amid(function() return futures.wait({ first, second }, { timeout = 0 }) end,
    function() first:set_result() end, n)
  t.equal(#done + #not_done, 2)
  return reached
end)

test("a PriorityQueue gives what a finalizer puts while its first item is put", function(n)
  local q = queue.PriorityQueue()
  local reached = t.amid(function() q:put("mine") end, function() q:put("finalizer's", false) end, n)
  t.equal(q:qsize(), reached and 2 or 1)
  if reached then t.equal(q:get(false), "finalizer's") end
  t.equal(q:get(false), "mine")
  return reached
end)

test("a module that a finalizer loads as require begins is not loaded again", function(n)
  package.loaded.once, package.preload.once = nil, nil
  local loads, beginning = 0, true
  local loader = function() loads = loads + 1 return { loads } end
  package.preload.once = function() beginning = false return loader() end
  local finalizers
  local reached, mine = t.amid(function() return (require "once") end,
    function() if beginning and loads == 0 then package.preload.once = loader finalizers = require "once" end end, n)
  if n == 1 and reached then t.equal(mine, finalizers, "the module") end
  return reached
end)

test("messages that a finalizer writes and reads amid another are whole", function(n)
  local value, finalizers = {}, nil
  for i = 1, 10 do value[i] = { i, { "text " .. i }, value[i - 1] } end
  local reached, copy = t.amid(function() return pickle.loads(pickle.dumps(value)) end,
    function() finalizers = pickle.loads(pickle.dumps(value)) end, n)
  for _, whole in ipairs { copy, finalizers } do
    t.equal(#whole, 10)
    t.equal(whole[10][3], whole[9])
    t.equal(whole[10][2][1], "text 10")
  end
  return reached
end)

test("a Condition is free after a wait amid which a finalizer notifies", function(n)
  local condition = threading.Condition()
  local reached = t.amid(function()
    local _ <close> = condition:hold()
    condition:wait_for(function() return nil, {} end, 0)
  end, function()
    if condition:acquire(false) then
      condition:notify_all()
      condition:release()
    end
  end, n)
  t.equal(condition:locked(), false)
  return reached
end)

test("a file that a finalizer closes amid a read of several formats is a closed file", function(n)
  local name = os.tmpname()
  local out <close> = io.open(name, "w")
  out:write("line\n12 rest\n")
  out:flush()
  local file <close> = io.open(name)
  local reached, whole, reason = t.amid(function() return pcall(file.read, file, "l", "n", "l", "l") end,
    function() file:close() end, n)
  os.remove(name)
  t.equal(whole or reason:find("closed file", 1, true) ~= nil, true)
  return reached
end)

test("a recording that a finalizer ends is named by the error that it is running", function(n)
  local gil, name = require "gilua.gil", os.tmpname()
  gil.trace(name)
  local reached, _, message = t.amid(function() return pcall(gil.trace, name) end, function() gil.trace() end, n)
  gil.trace()
  os.remove(name)
  if type(message) == "string" then t.equal(message:match("a recording to '(.-)' is running"), name) end
  return reached
end)

t.finish()
