from concurrent.futures import ThreadPoolExecutor
import threading
gates = [threading.Event() for i in range(3)]
def f(i):
    if i < 2: gates[i + 1].wait()
    gates[i].set()
    return i
with ThreadPoolExecutor(3) as pool:
    print(list(pool.map(f, range(3))))
