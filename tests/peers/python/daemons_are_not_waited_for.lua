local threading = require "gilua.threading"
local begun = threading.Event()
threading.Thread { target = function()
  begun:set()
  threading.Event():wait()
  print "never"
end, daemon = true }:start()
begun:wait()
print "end of the script"
