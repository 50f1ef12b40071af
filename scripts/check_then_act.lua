-- A cache that looks whether a value is there and then makes it: two threads may both find none. `gilua explore` finds that
-- they get different objects for one key.
-- usage: gilua explore check_then_act.lua [mended]
local threading = require "gilua.threading"

local lock = arg[1] == "mended" and threading.Lock()
local cache = {}

local function get(key)
  local _ <close> = lock and lock:hold() or nil
  if cache[key] == nil then cache[key] = { key = key } end
  return cache[key]
end

local a, b = threading.start(get, "x"), threading.start(get, "x")
assert(a:result() == b:result(), "two objects for one key")
