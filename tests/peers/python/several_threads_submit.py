import threading
from concurrent.futures import ThreadPoolExecutor
results = []
lock = threading.Lock()
with ThreadPoolExecutor(3) as pool:
    def client(n):
        total = sum(f.result() for f in [pool.submit(pow, n, k) for k in range(1, 5)])
        with lock: results.append((n, total))
    ts = [threading.Thread(target=client, args=(n,)) for n in range(1, 6)]
    for t in ts: t.start()
    for t in ts: t.join()
for n, total in sorted(results): print(n, total)
try:
    pool.submit(pow, 1, 1)
except RuntimeError:
    print("over")
