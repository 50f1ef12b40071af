local multiprocessing, time = require "gilua.multiprocessing", require "gilua.time"
multiprocessing.Process { target = function()
  time.sleep(0.1)
  print "child"
end }:start()
multiprocessing.Process { target = time.sleep, args = { 1000 }, daemon = true }:start()
print "end of the script"
