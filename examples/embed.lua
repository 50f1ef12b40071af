-- Run by examples/embed.c: `greet` is a function of the host.
local threading = require "gilua.threading"

greet("from a script")

local lock, total = threading.Lock(), 0
local function count(n)
  for _ = 1, n do
    local _ <close> = lock:hold()
    total = total + 1
  end
end

local threads = {}
for i = 1, 3 do threads[i] = threading.start(count, 10000) end
for _, t in ipairs(threads) do t:join() end
print(string.format("%s got %d arguments; %d threads counted to %d", arg[0]:match("[^/]*$"), #arg, #threads, total))
