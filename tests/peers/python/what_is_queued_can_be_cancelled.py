from concurrent.futures import ThreadPoolExecutor
import threading
gate, begun = threading.Event(), threading.Event()
pool = ThreadPoolExecutor(1)
running = pool.submit(lambda: (begun.set(), gate.wait()))
queued = [pool.submit(print, "never") for i in range(3)]
begun.wait()
print([f.cancel() for f in queued], running.cancel(), running.cancelled())
gate.set()
pool.shutdown()
print([f.cancelled() for f in queued], running.done())
