-- Boehm's collector stops every registered thread by SIGPWR, looks at its C stack and lets it go on by SIGXCPU: beside busy threads
-- each collection comes to its end, finds what only a stack leads to, and threads take turns, are interrupted and cancelled.
-- arg[1] is the module of gc_module.c.
local t = require "testing"
local gilua = require "gilua"
local queue = require "gilua.queue"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gc = assert(package.loadlib(arg[1], "luaopen_gc_module"))()

if not gc then
  print "ok - without Boehm's collector (the package libgc-dev) nothing is asked"
  os.exit(true)
end

local function registered(f, ...)
  return threading.start(function(...)
    gc.register()
    local results = table.pack(pcall(f, ...))
    gc.unregister() -- or the next collection would wait for a thread that is gone
    assert(table.unpack(results, 1, results.n))
    return table.unpack(results, 2, results.n)
  end, ...)
end

-- Threads of every kind, until the function that is returned is called.
local function busy()
  local turns, stop, threads = { 0, 0 }, false, {}
  local q = queue.Queue(2)
  local function add(f, ...) threads[#threads + 1] = registered(f, ...) end
  for i = 1, 2 do
    add(function() while not stop do turns[i] = turns[i] + 1 end end)
    add(function() while not stop do time.sleep(0.0001) end end)
  end
  add(function() while not stop do q:put(1) end q:put(false) end)
  add(function() while q:get() do end end)
  return turns, function()
    stop = true
    t.join(threads)
  end
end

local rounds = t.hostile and 3 or 20

t.test("collections end beside threads that compute, sleep and wait", function()
  local turns, stop = busy()
  local before = gc.collect()
  local collectors = {}
  for i = 1, 2 do collectors[i] = registered(function() for _ = 1, rounds do gc.collect() end end) end
  t.join(collectors)
  t.equal(gc.collect() >= before + 2 * rounds, true)
  t.eventually(function() return turns[1] > 0 and turns[2] > 0 end, "turns of threads that compute")
  stop()
end)

t.test("what only the stack of a thread leads to is found, while it computes and while it waits", function()
  local _, stop = busy()
  local over = false
  local collector = registered(function() while not over do gc.collect() time.sleep(0) end end)
  local builders = {}
  for i = 1, 2 do
    builders[i] = registered(function()
      for round = 1, rounds do
        local whole = gc.build(50, function()
          if round % 2 == 0 then time.sleep(0.0001) end
          for _ = 1, 1000 do end
        end)
        t.equal(whole, 50)
      end
    end)
  end
  t.join(builders)
  over = true
  t.join { collector }
  stop()
end)

t.test("Ctrl-C amid collections ends what the main thread does, and a cancel what a thread does", function()
  local turns, stop = busy()
  local over = false
  local collector = registered(function() while not over do gc.collect() time.sleep(0) end end)
  local begun = false
  local endless = registered(function()
    begun = true
    while true do turns[1] = turns[1] + 1 end
  end)
  t.eventually(function() return begun end, "the endless thread to begin") -- a cancel before that would leave it registered
  endless:cancel()
  t.equal(endless:join(t.limit), true)
  t.equal(gilua.is_error(select(2, pcall(endless.result, endless)), "cancelled"), true)
  for i = 1, 2 do
    local shell <close> = io.popen("read _ && kill -INT " .. threading.main_thread().native_id, "w")
    local ok, err = pcall(function()
      shell:write("go\n")
      shell:flush()
      if i == 1 then time.sleep(t.limit) end
      local late = os.clock() + t.limit
      while os.clock() < late do end
    end)
    t.equal(ok, false)
    t.equal(tostring(err):find("interrupted", 1, true) ~= nil, true, tostring(err))
  end
  over = true
  t.join { collector }
  stop()
end)

t.finish()
