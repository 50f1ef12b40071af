import threading
threading.excepthook = lambda args: None
def action(): raise ValueError("no")
b = threading.Barrier(2, action)
log = []
def f():
    try:
        b.wait()
    except threading.BrokenBarrierError:
        log.append("broken")
    except ValueError as e:
        log.append(str(e))
ts = [threading.Thread(target=f) for i in range(2)]
for t in ts: t.start()
for t in ts: t.join()
print(sorted(log), b.broken)
