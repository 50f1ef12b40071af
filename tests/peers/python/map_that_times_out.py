from concurrent.futures import ThreadPoolExecutor, TimeoutError
import threading
gate = threading.Event()
with ThreadPoolExecutor(1) as pool:
    results = pool.map(lambda x: gate.wait(), [0, 1], timeout=0.05)
    try:
        next(results)
    except TimeoutError:
        print("timeout")
    try:
        pool.map(lambda x: x, [1], timeout="soon")
    except TypeError:
        print("no number")
    gate.set()
