-- Lazy initialization with a check outside of the lock, published before it is filled. depth 2
local threading = require "gilua.threading"
local lock, instance = threading.Lock(), nil
local function get()
  if not instance then
    local _ <close> = lock:hold()
    if not instance then
      instance = {}
      instance.value = 1
    end
  end
  return instance.value
end
local a, b = threading.start(get), threading.start(get)
assert(a:result() and b:result(), "an instance without its value")
