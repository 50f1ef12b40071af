import threading
r = threading.RLock()
log = []
def other():
    log.append(r.acquire(False))
    log.append(r.acquire(timeout=0.01))
    try:
        r.release()
    except RuntimeError:
        log.append("not mine")
with r:
    with r:
        print(r.acquire(), r.acquire(False))
        r.release()
        r.release()
        t = threading.Thread(target=other)
        t.start()
        t.join()
print(log)
try:
    r.release()
except RuntimeError:
    print("free")
t = threading.Thread(target=lambda: log.append(r.acquire(False)))
t.start()
t.join()
print(log[-1])
