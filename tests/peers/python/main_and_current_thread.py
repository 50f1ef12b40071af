import threading
print(threading.current_thread() is threading.main_thread(), threading.main_thread().name)
print(threading.main_thread().is_alive(), threading.main_thread().daemon)
got = []
t = threading.Thread(target=lambda: got.extend([threading.current_thread(), threading.main_thread(), threading.get_ident()]))
print(t.ident)
t.start()
t.join()
print(got[0] is t, got[1] is threading.main_thread(), got[2] == t.ident, t.ident != threading.get_ident())
print(threading.main_thread().ident == threading.get_ident(), threading.main_thread().native_id == threading.get_native_id())
