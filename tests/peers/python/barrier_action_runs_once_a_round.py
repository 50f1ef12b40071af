import threading
log = []
b = threading.Barrier(3, action=lambda: log.append("action"))
def f():
    for i in range(2):
        b.wait()
        log.append("passed")
ts = [threading.Thread(target=f) for i in range(3)]
for t in ts: t.start()
for t in ts: t.join()
print(log.count("action"), log.count("passed"), log[0])
print(b.parties, b.n_waiting, b.broken)
