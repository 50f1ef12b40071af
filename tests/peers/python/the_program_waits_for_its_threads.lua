local threading = require "gilua.threading"
threading.start(function()
  threading.main_thread():join()
  print "after the script"
end)
print "end of the script"
