-- Run by the stock interpreter: hooks that debuggers and coverage set before they, or the program, require gilua.
local sethook, gethook = debug.sethook, debug.gethook -- of the standard library
local lines, counts = {}, {}
local function hook_of(list, mask, count)
  local function hook(event) list[#list + 1] = event end
  return { f = hook, mask = mask, count = count, list = list }
end
local on_main, on_coroutine, on_captured = hook_of(lines, "l", 0), hook_of(counts, "", 1), hook_of({}, "l", 0)

local function run()
  while true do coroutine.yield() end
end
local co, heir = coroutine.create(run), nil
debug.sethook(on_main.f, on_main.mask)
debug.sethook(co, on_coroutine.f, on_coroutine.mask, on_coroutine.count)
local parent = coroutine.create(function() heir = coroutine.create(run) end)
debug.sethook(parent, on_captured.f, "c")
coroutine.resume(parent)

local gilua = require "gilua"
local threading, time = gilua.threading, gilua.time

local function is(hook, ...)
  local f, mask, count = debug.gethook(...)
  assert(f == hook.f and mask == hook.mask and count == hook.count, tostring(f))
end

-- Waits of every kind, beside a thread that wants the lock.
local function wait()
  local event, over = threading.Event(), false
  local thread = threading.start(function()
    event:set()
    while not over do end
  end)
  event:wait()
  time.sleep(0.01)
  for _ = 1, 100 do time.sleep(0) end
  over = true
  thread:join()
  gilua.native.spin(0.06) -- longer than it takes until somebody looks for the hook of a signal handler
end

local function is_called(list, f)
  local before = #list
  f()
  assert(#list > before)
end

local todo = {}

function todo.kept()
  for _ = 1, 3 do
    is(on_main)
    is(on_coroutine, co)
    is_called(lines, function() local _ = 1 end)
    is_called(counts, function() assert(coroutine.resume(co)) end)
    wait()
  end
  local f, mask, count = debug.gethook(heir) -- as the standard library has it: no function
  assert(f == nil and mask == "c" and count == 0)
  debug.sethook()
  assert(debug.gethook() == nil)
  local n = #lines
  wait()
  assert(#lines == n)
end

-- By functions that the program kept from before.
function todo.removed()
  sethook()
  sethook(co)
  wait()
  local n = #lines
  wait()
  assert(#lines == n and debug.gethook() == nil and gethook() == nil and debug.gethook(co) == nil)
  for _ = 1, 3 do
    sethook(on_captured.f, "l")
    is(on_captured)
    wait()
    is(on_captured)
    is_called(on_captured.list, function() local _ = 1 end)
    sethook(on_coroutine.f, "", 1)
    wait()
    is(on_coroutine)
    sethook()
  end
end

todo[arg[1]]()
