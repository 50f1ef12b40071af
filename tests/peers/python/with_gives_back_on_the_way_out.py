import threading
for make in threading.Lock, threading.RLock, threading.Semaphore, threading.BoundedSemaphore, threading.Condition:
    lock = make()
    def f():
        for i in (1, 2):
            with lock:
                if i == 2: return i
    print(f(), lock.acquire(False))
    lock.release()
    try:
        with lock: raise ValueError
    except ValueError:
        print(lock.acquire(False))
