import threading
c = threading.Condition()
with c:
    print(c.wait(0.01))
for f in (c.notify, c.notify_all, c.wait):
    try:
        f()
    except RuntimeError:
        print("not held")
log = []
ready = threading.Semaphore(0)
def waiter(i):
    with c:
        ready.release()
        log.append(f"{i}{c.wait()}".lower())
ts = []
for i in range(3):
    t = threading.Thread(target=waiter, args=(i,))
    t.start()
    ready.acquire()
    ts.append(t)
with c:
    c.notify()
while not log: pass
with c:
    print(*log)
    c.notify(5)
for t in ts: t.join()
print(*sorted(log))
