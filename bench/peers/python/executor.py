"""Trivial tasks through ThreadPoolExecutor. usage: executor.py [N] [WORKERS] flight|single|map"""
from concurrent.futures import ThreadPoolExecutor
from common import args, emit, now

n, workers, mode = args(20000, 4, "flight")
pool = ThreadPoolExecutor(workers)


def identity(x):
    return x


pool.submit(identity, 0).result()
t0 = now()
if mode == "flight":
    futures = [pool.submit(identity, i) for i in range(n)]
    for f in futures:
        f.result()
elif mode == "single":
    for i in range(n):
        pool.submit(identity, i).result()
else:
    for x in pool.map(identity, range(n)):
        pass
emit("executor." + mode, n, now() - t0)
pool.shutdown()
