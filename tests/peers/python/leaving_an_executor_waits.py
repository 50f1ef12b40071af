from concurrent.futures import ThreadPoolExecutor
import threading
log = []
with ThreadPoolExecutor(2) as pool:
    fs = [pool.submit(lambda i=i: log.append(i)) for i in range(10)]
print(sorted(log), all(f.done() for f in fs))
try:
    with ThreadPoolExecutor(1) as pool:
        f = pool.submit(int, "5")
        raise ValueError("left")
except ValueError as e:
    print(e, f.result())
