import threading
pool = threading.BoundedSemaphore(2)
lock, inside, most = threading.Lock(), 0, 0
pair = threading.Barrier(2)
def use():
    global inside, most
    with pool:
        with lock:
            inside += 1
            most = max(most, inside)
        pair.wait()
        with lock: inside -= 1
ts = [threading.Thread(target=use) for i in range(6)]
for t in ts: t.start()
for t in ts: t.join()
print(most, inside)
try:
    pool.release()
except ValueError:
    print("more often than acquired")
print(pool.acquire(False), pool.acquire(False), pool.acquire(False))
pool.release(2)
print(pool.acquire(timeout=0.5))
