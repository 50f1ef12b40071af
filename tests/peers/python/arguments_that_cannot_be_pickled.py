from concurrent.futures import ProcessPoolExecutor
import threading
def f(x): return x
if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        try:
            pool.submit(f, threading.Lock()).result()
        except TypeError:
            print("cannot be pickled")
        try:
            pool.submit(f, threading.current_thread()).result()
        except TypeError:
            print("cannot be pickled")
        print(pool.submit(f, "the pool goes on").result())
