import threading
cond = threading.Condition()
waiting, woken = [], []
def f(n):
    with cond:
        waiting.append(n)
        cond.wait()
        woken.append(n)
def wait_until(pred):
    while True:
        with cond:
            if pred(): return
ts = []
for n in range(4):
    t = threading.Thread(target=f, args=(n,))
    t.start()
    ts.append(t)
    wait_until(lambda: len(waiting) == n + 1)
with cond: cond.notify(2)
wait_until(lambda: len(woken) == 2)
print(sorted(woken))
with cond: cond.notify(1)
wait_until(lambda: len(woken) == 3)
with cond: cond.notify_all()
for t in ts: t.join()
print(sorted(woken))
with cond:
    cond.notify(5)
    cond.notify_all()
print("nobody waits")
