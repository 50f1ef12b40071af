-- SCTBench CS stack_bad: who pops looks under the lock, and pops in another section. depth 2
local threading = require "gilua.threading"
local lock, stack = threading.Lock(), { "a" }

local function pop()
  local any
  lock:with(function() any = #stack > 0 end)
  if not any then return end
  lock:with(function()
    assert(#stack > 0, "underflow")
    stack[#stack] = nil
  end)
end

local a, b = threading.start(pop), threading.start(pop)
a:result()
b:result()
