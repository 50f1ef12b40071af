from concurrent.futures import ThreadPoolExecutor, as_completed, TimeoutError
import threading
gates = [threading.Event() for i in range(3)]
with ThreadPoolExecutor(3) as pool:
    fs = [pool.submit(lambda i=i: (gates[i].wait(), i)[1]) for i in range(3)]
    gates[2].set()
    it = as_completed(fs)
    print(next(it).result())
    gates[0].set()
    print(next(it).result())
    gates[1].set()
    print(next(it).result(), list(it))
    gate = threading.Event()
    f = pool.submit(gate.wait)
    try:
        for x in as_completed([f], timeout=0.01): pass
    except TimeoutError:
        print("timeout")
    gate.set()
    print(len(list(as_completed([f, f]))), len(list(as_completed([]))))
