import threading
s = threading.Semaphore(2)
print(s.acquire(), s.acquire(), s.acquire(False), s.acquire(timeout=0.01))
s.release(3)
print([s.acquire(False) for i in range(4)])
b = threading.BoundedSemaphore(1)
try:
    b.release()
except ValueError:
    print("released too often")
b.acquire()
b.release()
for bad in (-1,):
    try:
        threading.Semaphore(bad)
    except ValueError:
        print("negative")
try:
    s.release(0)
except ValueError:
    print("must be one or more")
print(threading.Semaphore(0).acquire(False))
