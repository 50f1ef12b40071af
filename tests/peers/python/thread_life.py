import threading
gate = threading.Event()
t = threading.Thread(target=gate.wait, name="worker", daemon=True)
print(t.name, t.daemon, t.is_alive(), t.ident is None)
try:
    t.join()
except RuntimeError:
    print("not started")
t.start()
print(t.is_alive(), t.ident is None, threading.active_count(), t in threading.enumerate())
try:
    t.start()
except RuntimeError:
    print("started twice")
t.join(0.01)
print(t.is_alive())
gate.set()
t.join()
t.join()
print(t.is_alive(), threading.active_count())
try:
    threading.current_thread().join()
except RuntimeError:
    print("cannot join itself")
print(threading.current_thread() is threading.main_thread(), threading.main_thread().name)
t.name = "renamed"
print(t.name)
