local threading = require "gilua.threading"
print(threading.current_thread() == threading.main_thread(), threading.main_thread().name)
print(threading.main_thread():is_alive(), threading.main_thread().daemon)
local got
local t = threading.Thread { target = function()
  got = { threading.current_thread(), threading.main_thread(), threading.get_ident() }
end }
print(t.ident)
t:start()
t:join()
print(got[1] == t, got[2] == threading.main_thread(), got[3] == t.ident, t.ident ~= threading.get_ident())
print(threading.main_thread().ident == threading.get_ident(), threading.main_thread().native_id == threading.get_native_id())
