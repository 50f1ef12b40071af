import threading
for make in (threading.Lock, threading.RLock, threading.Condition, threading.Semaphore):
    l = make()
    try:
        with l:
            raise ValueError("inside")
    except ValueError as e:
        print(e, l.acquire(False))
