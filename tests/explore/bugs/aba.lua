-- The ABA problem of Treiber's stack: between the look and the exchange the top goes away and comes back. depth 2
local threading = require "gilua.threading"
local step = threading.Lock() -- makes the exchange one step, as the processor's instruction is
local c = { name = "c" }
local b = { name = "b", next = c }
local a = { name = "a", next = b }
local top = a

local function exchange(old, new)
  local _ <close> = step:hold()
  if top ~= old then return false end
  top = new
  return true
end

local function pop()
  while true do
    local old = top
    local new = old.next
    if exchange(old, new) then return old end
  end
end

local one = threading.start(pop)
local two = threading.start(function()
  local x, y = pop(), pop()
  y.gone = true
  repeat
    local old = top
    x.next = old
  until exchange(old, x)
end)
one:result()
two:result()
assert(not top.gone, "what was popped is on the stack")
