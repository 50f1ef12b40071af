import threading
lock = threading.Lock()
lock.acquire()
t = threading.Thread(target=lock.release)
t.start()
t.join()
print(lock.locked())
try:
    lock.release()
except RuntimeError:
    print("free")
print(lock.acquire(), lock.acquire(blocking=False), lock.acquire(timeout=0.01))
try:
    lock.acquire(False, 1)
except ValueError:
    print("no timeout")
try:
    lock.acquire(True, -2)
except ValueError:
    print("negative")
try:
    lock.acquire(True, threading.TIMEOUT_MAX * 2)
except OverflowError:
    print("too long")
print(threading.TIMEOUT_MAX > 1e6)
