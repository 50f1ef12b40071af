from multiprocessing import Pool, TimeoutError
import time
def f(x): return x
if __name__ == "__main__":
    with Pool(1) as pool:
        r = pool.apply_async(time.sleep, (1000,))
        print(r.ready(), r.wait(0.01))
        try:
            r.get(timeout=0.01)
        except TimeoutError:
            print("timeout")
        try:
            r.successful()
        except ValueError:
            print("not ready")
    with Pool(1) as pool:
        r = pool.apply_async(f, ("value",))
        r.wait()
        print(r.ready(), r.successful(), r.get(), r.get(0))
        r = pool.map_async(f, [1, 2])
        print(r.get(), r.ready(), r.successful())
        r = pool.apply_async(int, ("no number",))
        r.wait()
        print(r.ready(), r.successful())
