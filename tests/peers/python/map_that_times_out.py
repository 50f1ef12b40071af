from concurrent.futures import ThreadPoolExecutor, TimeoutError
import threading
gate = threading.Event()
with ThreadPoolExecutor(1) as pool:
    results = pool.map(lambda x: gate.wait() if x else "first", [0, 1], timeout=1)
    print(next(results))
    try:
        next(results)
    except TimeoutError:
        print("timeout")
    gate.set()
