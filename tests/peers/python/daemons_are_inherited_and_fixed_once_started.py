import threading
seen = []
def child(): seen.append(threading.current_thread().daemon)
def parent():
    t = threading.Thread(target=child)
    t.start()
    t.join()
for d in (True, False):
    t = threading.Thread(target=parent, daemon=d)
    t.start()
    t.join()
print(seen)
gate = threading.Event()
t = threading.Thread(target=gate.wait)
t.daemon = True
t.daemon = False
t.start()
try:
    t.daemon = True
except RuntimeError:
    print("cannot be set any more")
gate.set()
t.join()
