-- The runtime of Go, as a library, takes our signal for itself, interrupts goroutines by it, and calls back on threads of its own:
-- beside it threads take turns, are interrupted and cancelled, and it goes on with its own work.
-- arg[1] is the library of go_part.go.
local t = require "testing"
local ctypes = require "gilua.ctypes"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"

-- One loop before the library is loaded, so that our handler stands there already.
threading.start(function() for _ = 1, 1e5 do end end):join()

local lib = ctypes.load(arg[1])
local go, stop = lib:func("GoGo", "void", {}), lib:func("GoStop", "void", {})
local busy, collect = lib:func("GoBusy", "void", { "int" }), lib:func("GoCollect", "void", {})
local call = lib:func("GoCall", "int", { "void*", "int" })

-- Go's own threads stay, the first one as a thread of ours.
t.may_visit, t.may_keep.threads, t.may_keep.descriptors = 1, 100, t.may_keep.descriptors + 4

-- Threads that compute, until the function that is returned is called.
local function computing(n)
  local turns, over, threads = {}, false, {}
  for i = 1, n do
    turns[i] = 0
    threads[i] = threading.start(function() while not over do turns[i] = turns[i] + 1 end end)
  end
  return turns, function()
    over = true
    t.join(threads)
  end
end

local function all_had_turns(turns)
  for i = 1, #turns do turns[i] = 0 end
  t.eventually(function()
    for i = 1, #turns do if turns[i] == 0 then return false end end
    return true
  end, "turns of all threads")
end

local rounds = t.hostile and 1 or 4

t.test("threads take turns beside goroutines in loops", function()
  go()
  busy(1)
  local turns, over = computing(2)
  for _ = 1, rounds do all_had_turns(turns) end
  over()
  stop()
end)

-- Each is in a loop of Go's until Go has been told to stop: for good without the lock, for a while at a time with it.
local loops = {
  ["without the lock"] = lib:func("GoSpin", "void", {}),
  ["with the lock"] = lib:func("GoSpinShortly", "void", {}, { release = false }),
}

for what, loop in pairs(loops) do
  t.test("Go stops its world while a thread is in a loop of Go's " .. what, function()
    local turns, over = computing(2)
    local stopped = false
    go()
    local looping = threading.start(function() repeat loop() until stopped end)
    for _ = 1, rounds do
      collect()
      all_had_turns(turns)
    end
    stopped = true
    stop()
    t.join { looping }
    over()
  end)
end

t.test("callbacks on threads of Go's run Lua beside threads that compute", function()
  local turns, over = computing(2)
  local seen = {}
  local callback <close> = ctypes.callback(function(n)
    seen[threading.get_native_id()] = true
    time.sleep(0)
    for _ = 1, 1000 do end
    return 2 * n
  end, "int", { "int" })
  local threads = t.start(4, function()
    for i = 1, rounds do t.equal(call(callback, i), 2 * i) end
  end)
  t.join(threads)
  all_had_turns(turns)
  over()
  t.equal(seen[threading.main_thread().native_id], nil)
end)

t.test("Ctrl-C ends what the main thread does beside busy goroutines, and a cancel what a thread does", function()
  go()
  busy(1)
  local n = 0
  local endless = threading.start(function() while true do n = n + 1 end end)
  endless:cancel()
  t.equal(endless:join(t.limit), true)
  t.equal(gilua.is_error(select(2, pcall(endless.result, endless)), "cancelled"), true)
  for i = 1, 2 do
    local shell <close> = io.popen("read _ && kill -INT " .. threading.main_thread().native_id, "w")
    local ok, err = pcall(function()
      shell:write("go\n")
      shell:flush()
      if i == 1 then time.sleep(t.limit) end
      local late = os.clock() + 4 * t.limit
      while os.clock() < late do end
    end)
    t.equal(ok, false)
    t.equal(tostring(err):find("interrupted", 1, true) ~= nil, true, tostring(err))
  end
  stop()
end)

t.finish()
