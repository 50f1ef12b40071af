-- PCT paper, figure 5, as in shuttle's figure5: the other thread runs to its end before main looks. depth 1
local threading = require "gilua.threading"
local n = 0
local a = threading.start(function()
  for _ = 1, 20 do end
  n = 1
end)
local seen = n
a:join()
assert(seen == 0, "it ran to its end")
