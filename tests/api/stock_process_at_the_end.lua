-- Run by the stock interpreter: a thread starts a process while lua_close waits for the thread.
local gilua = require "gilua"
local Process = require "gilua.multiprocessing".Process
local closing = gilua.threading.Event()

local function work()
  local queue = require "gilua.queue".Queue()
  gilua.threading.start(function() queue:put "child waited" end)
  io.stdout:write(queue:get(), "\n")
  os.exit(3)
end

gilua.threading.start(function()
  closing:wait()
  local child = Process{target = work}
  child:start()
  child:join()
  print("process ended with " .. child.exitcode)
end)

-- finalizers run in the order against their making: this one in lua_close, before the one that waits for the thread
at_end = setmetatable({}, {__gc = function() closing:set() end})
