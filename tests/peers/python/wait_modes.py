from concurrent.futures import ThreadPoolExecutor, wait, FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED
import threading
gate = threading.Event()
def fails(): raise ValueError
with ThreadPoolExecutor(3) as pool:
    slow = pool.submit(gate.wait)
    fast = pool.submit(int)
    d, n = wait([slow, fast], return_when=FIRST_COMPLETED)
    print(len(d), len(n), fast in d)
    bad = pool.submit(fails)
    d, n = wait([slow, fast, bad], return_when=FIRST_EXCEPTION)
    print(bad in d, slow in n)
    d, n = wait([slow, fast], timeout=0.01)
    print(len(d), len(n))
    d, n = wait([slow], timeout=0)
    print(len(d), len(n))
    gate.set()
    d, n = wait([slow, fast, bad], return_when=ALL_COMPLETED)
    print(len(d), len(n))
    d, n = wait([])
    print(len(d), len(n))
