-- Run by the stock interpreter: a thread that is not joined outlives the main chunk.
local gilua = require "gilua"
gilua.threading.start(function()
  gilua.time.sleep(0.05)
  print("thread done")
end)
print("main done")
