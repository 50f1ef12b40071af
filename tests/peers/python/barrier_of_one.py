import threading
b = threading.Barrier(1)
b.wait()
b.wait()
print("passed", b.n_waiting)
try:
    threading.Barrier(0).wait(0)
    print("zero")
except Exception:
    print("refused")
b.abort()
try:
    b.wait()
except threading.BrokenBarrierError:
    print("broken")
