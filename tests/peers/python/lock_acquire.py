import threading
l = threading.Lock()
print(l.acquire(), l.locked())
print(l.acquire(False), l.acquire(timeout=0.01), l.acquire(True, 0))
l.release()
print(l.locked())
try:
    l.release()
except RuntimeError:
    print("release of a free lock is an error")
try:
    l.acquire(False, 1)
except ValueError:
    print("no timeout without blocking")
l.acquire()
t = threading.Thread(target=l.release)
t.start()
t.join()
print(l.locked())
