local multiprocessing, time = require "gilua.multiprocessing", require "gilua.time"
multiprocessing.Process { target = function()
  while not io.open "script.lua.ended" do time.sleep(0.01) end
  print "child"
end }:start()
multiprocessing.Process { target = time.sleep, args = { 1000 }, daemon = true }:start()
print "end of the script"
io.open("script.lua.ended", "w"):close()
