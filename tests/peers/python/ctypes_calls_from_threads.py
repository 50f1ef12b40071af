import ctypes, threading
libc = ctypes.CDLL("libc.so.6", use_errno=True)
log = {}
def f(n):
    ctypes.set_errno(n)
    gate.wait()
    log[n] = ctypes.get_errno()
gate = threading.Barrier(3)
ts = [threading.Thread(target=f, args=(n,)) for n in (1, 2, 3)]
for t in ts: t.start()
for t in ts: t.join()
print(log[1], log[2], log[3], ctypes.get_errno())
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
idents = set()
def compare(x, y):
    idents.add(threading.get_ident())
    return x[0] - y[0]
def sort():
    a = (ctypes.c_int * 3)(3, 1, 2)
    libc.qsort(a, 3, 4, Compare(compare))
    results.append((list(a), threading.get_ident() in idents))
results = []
t = threading.Thread(target=sort)
t.start()
t.join()
print(results[0][0], results[0][1])
