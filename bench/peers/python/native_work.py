"""Native work that leaves the lock, in one thread and in T. usage: native_work.py sha256 [T]"""
import hashlib
import threading
from common import args, emit, now

name, nthreads = args("sha256", 2)
size, calls = 64 << 20, 3


def run(count):
    buffers = [bytearray(size) for _ in range(count)]

    def work(b):
        for _ in range(calls):
            hashlib.sha256(b).hexdigest()
    threads = [threading.Thread(target=work, args=(b,)) for b in buffers]
    t0 = now()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return now() - t0


run(1)
ones, ratios = [], []
for _ in range(5):
    ones.append(run(1))
    ratios.append(nthreads * ones[-1] / run(nthreads))
ones.sort()
ratios.sort()
emit("native." + name, calls, ones[2], metric="ratio", ratio=round(ratios[2], 4))
