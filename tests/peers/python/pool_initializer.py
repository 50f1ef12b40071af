from multiprocessing import Pool
import threading
start = None
def init(a, b):
    global start
    start = a + b
def f(x): return start + x
if __name__ == "__main__":
    with Pool(2, init, (10, 5)) as pool:
        print(pool.map(f, [1, 2, 3]))
    print(start)
