local threading = require "gilua.threading"
for _, make in ipairs { "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition" } do
  local lock = threading[make]()
  local function f()
    for i = 1, 2 do
      local _ <close> = lock:hold()
      if i == 2 then return i end
    end
  end
  print(f(), lock:acquire(false))
  lock:release()
  pcall(function()
    local _ <close> = lock:hold()
    error "left"
  end)
  print(lock:acquire(false))
end
