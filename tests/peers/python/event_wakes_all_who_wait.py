import threading
e = threading.Event()
ready, log = threading.Semaphore(0), []
def f():
    ready.release()
    log.append(e.wait())
ts = [threading.Thread(target=f) for i in range(3)]
for t in ts: t.start()
for t in ts: ready.acquire()
e.set()
for t in ts: t.join()
print(log, e.wait(), e.wait(0), e.is_set())
e.clear()
print(e.wait(0), e.wait(0.01), e.is_set())
e.set()
e.set()
print(e.wait(timeout=60))
