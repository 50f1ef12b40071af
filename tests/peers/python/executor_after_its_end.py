from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor
import threading
if __name__ == "__main__":
    for make in ThreadPoolExecutor, ProcessPoolExecutor:
        pool = make(1)
        f = pool.submit(int, "7")
        pool.shutdown()
        pool.shutdown()
        print(f.done(), f.result())
        for call in (lambda: pool.submit(int), lambda: pool.map(int, ["1"])):
            try:
                call()
            except RuntimeError:
                print("shut down")
    gate = threading.Event()
    pool = ThreadPoolExecutor(1)
    f, g = pool.submit(gate.wait), pool.submit(int, "8")
    pool.shutdown(wait=False)
    print(g.done())
    gate.set()
    print(f.result(), g.result())
