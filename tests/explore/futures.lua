-- A pool runs each task once; results, errors and cancels come to who asked; with its end all are decided.
local futures = require "gilua.futures"
local threading = require "gilua.threading"
local ran, called = {}, threading.Semaphore(0)
do
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 2 }
  local list = {}
  for i = 1, 3 do
    list[i] = pool:submit(function()
      ran[i] = (ran[i] or 0) + 1
      if i == 2 then error "no" end
      return i
    end)
    list[i]:add_done_callback(function() called:release() end)
  end
  local cancelled = list[3]:cancel()
  assert(list[1]:result() == 1)
  assert(not pcall(list[2].result, list[2]))
  assert(cancelled == (ran[3] == nil) or not list[3]:done() or cancelled ~= true)
  if not cancelled then assert(list[3]:result() == 3) end
end
assert(ran[1] == 1 and ran[2] == 1 and (ran[3] or 1) == 1)
for _ = 1, 3 do assert(called:acquire(true, 10), "a callback is missing") end
assert(not called:acquire(false), "a callback came twice")
