from concurrent.futures import ThreadPoolExecutor
import threading
gate, begun = threading.Event(), threading.Event()
pool = ThreadPoolExecutor(1)
a = pool.submit(lambda: (begun.set(), gate.wait())[1])
b = pool.submit(int)
begun.wait()
pool.shutdown(wait=False, cancel_futures=True)
print(b.cancelled(), a.done())
gate.set()
pool.shutdown()
print(a.result())
pool.shutdown()
