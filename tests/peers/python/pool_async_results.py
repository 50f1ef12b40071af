from multiprocessing import Pool, TimeoutError
import time, threading
def f(x): return x + 1
def fails(): raise ValueError("wrong")
if __name__ == "__main__":
    with Pool(2) as pool:
        done = threading.Semaphore(0)
        r = pool.apply_async(f, (1,), callback=lambda v: (print("callback", v), done.release()))
        done.acquire()
        print(r.get(), r.ready(), r.successful(), r.wait(1))
        r = pool.apply_async(fails, error_callback=lambda e: (print("error", e), done.release()))
        done.acquire()
        try:
            r.get()
        except ValueError as e:
            print(e, r.ready(), r.successful())
        r = pool.apply_async(time.sleep, (60,))
        try:
            r.get(0.01)
        except TimeoutError:
            print("timeout", r.ready())
        try:
            r.successful()
        except ValueError:
            print("not ready")
        r = pool.map_async(f, [1, 2, 3])
        print(r.get(60))
