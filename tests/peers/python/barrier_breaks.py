import threading
def wait(b, *a):
    try:
        b.wait(*a)
        return "passed"
    except threading.BrokenBarrierError:
        return "broken"
b = threading.Barrier(2)
print(wait(b, 0.01), b.broken)
print(wait(b), b.broken)
b.reset()
print(b.broken, b.n_waiting)
result = []
t = threading.Thread(target=lambda: result.append(wait(b)))
t.start()
while b.n_waiting == 0: pass
b.abort()
t.join()
print(result, b.broken)
b.reset()
t = threading.Thread(target=lambda: result.append(wait(b)))
t.start()
while b.n_waiting == 0: pass
b.reset()
t.join()
print(result, b.broken)
def fails(): raise ValueError("action")
b = threading.Barrier(1, fails)
try:
    b.wait()
except ValueError as e:
    print(e, b.broken)
print(wait(threading.Barrier(2, timeout=0.01)))
