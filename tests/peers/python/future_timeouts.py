from concurrent.futures import ThreadPoolExecutor, TimeoutError
import threading
gate = threading.Event()
with ThreadPoolExecutor(1) as pool:
    f = pool.submit(gate.wait)
    for ask in (f.result, f.exception):
        for t in (0.01, 0):
            try:
                ask(t)
            except TimeoutError:
                print("timeout")
    gate.set()
    print(f.result(5))
