import threading
data, other = threading.local(), threading.local()
data.x = "main"
log = []
def f(n):
    log.append(hasattr(data, "x"))
    data.x = n
    other.x = -n
    b.wait()
    log.append((data.x, other.x))
b = threading.Barrier(3)
ts = [threading.Thread(target=f, args=(n,)) for n in (1, 2, 3)]
for t in ts: t.start()
for t in ts: t.join()
print(log[:3], sorted(log[3:]))
print(data.x, hasattr(other, "x"), sorted(vars(data)))
del data.x
print(hasattr(data, "x"))
