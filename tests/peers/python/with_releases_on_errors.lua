local threading = require "gilua.threading"
for _, make in ipairs { threading.Lock, threading.RLock, threading.Condition, threading.Semaphore } do
  local l = make()
  local _, e = pcall(function()
    local _ <close> = l:hold()
    error("inside", 0)
  end)
  print(e, l:acquire(false))
end
