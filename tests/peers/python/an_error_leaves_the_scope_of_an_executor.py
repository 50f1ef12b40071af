from concurrent.futures import ThreadPoolExecutor
import threading
started, go = threading.Event(), threading.Event()
def work():
    started.set()
    go.wait()
    return "worked"
try:
    with ThreadPoolExecutor(1) as pool:
        f = pool.submit(work)
        g = pool.submit(lambda: "queued")
        started.wait()
        threading.Timer(0.05, go.set).start()
        raise KeyError("left")
except KeyError:
    print("left", f.done(), g.done())
print(f.result(), g.result())
