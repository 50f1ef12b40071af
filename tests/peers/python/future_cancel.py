from concurrent.futures import ThreadPoolExecutor, CancelledError
import threading
gate, begun = threading.Event(), threading.Event()
def first():
    begun.set()
    gate.wait()
    return "first"
with ThreadPoolExecutor(1) as pool:
    a = pool.submit(first)
    b = pool.submit(print, "never")
    begun.wait()
    print(b.cancel(), b.cancelled(), b.done(), b.cancel())
    print(a.running())
    gate.set()
    print(a.result(), a.cancel())
    try:
        b.result()
    except CancelledError:
        print("cancelled")
