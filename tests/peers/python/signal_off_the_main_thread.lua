local signal, threading = require "gilua.signal", require "gilua.threading"
local where
signal.signal("SIGUSR1", function() where = threading.current_thread() == threading.main_thread() end)
print(threading.start(function() return (pcall(signal.signal, "SIGUSR1", "default")) end):result())
threading.start(function() signal.raise_signal "SIGUSR1" end):join()
print(where)
