from concurrent.futures import ThreadPoolExecutor, BrokenExecutor
import threading
l = threading.local()
def init(a, b): l.x = a + b
with ThreadPoolExecutor(2, initializer=init, initargs=(1, 2)) as pool:
    print([pool.submit(lambda: l.x).result() for i in range(3)])
def bad(): raise ValueError
import logging
logging.disable()
with ThreadPoolExecutor(1, initializer=bad) as pool:
    f = pool.submit(int)
    print(isinstance(f.exception(), BrokenExecutor))
    try:
        pool.submit(int)
    except BrokenExecutor:
        print("broken")
