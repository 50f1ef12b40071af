from concurrent.futures import ProcessPoolExecutor
import os
def square(x): return x * x
def fails(x): raise ValueError("no " + x)
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(pool.submit(square, 7).result(), list(pool.map(square, range(4))))
        print(pool.submit(os.getpid).result() != os.getpid())
        try:
            pool.submit(fails, "luck").result()
        except ValueError as e:
            print(e)
        print(pool.submit(square, [1] and 3).exception())
