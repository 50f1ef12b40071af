local signal = require "gilua.signal"
local pid = require "gilua.threading".main_thread().native_id
local calls = {}
local function note(name) calls[#calls + 1] = name end
print(signal.getsignal "SIGUSR1" == "default")
print(signal.signal("SIGUSR1", note) == "default", signal.getsignal "SIGUSR1" == note)
signal.signal("SIGTERM", note)
signal.raise_signal "SIGUSR1"
signal.kill(pid, "SIGTERM")
print(table.concat(calls, " "))
print(signal.signal("SIGUSR1", "ignore") == note)
signal.raise_signal "SIGUSR1"
print(#calls, signal.getsignal "SIGUSR1" == "ignore")
print((pcall(signal.signal, "SIGKILL", note)))
print(signal.kill(0x7ffffffe, 0) == nil)
