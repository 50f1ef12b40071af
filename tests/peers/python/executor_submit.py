from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    f = pool.submit(pow, 2, 5)
    print(f.result(), f.done(), f.running(), f.cancelled(), f.cancel(), f.exception())
    def fails(): raise ValueError("wrong")
    f = pool.submit(fails)
    print(f.exception(), f.done(), f.cancelled())
    try:
        f.result()
    except ValueError as e:
        print(e)
try:
    pool.submit(pow, 1, 1)
except RuntimeError:
    print("after shutdown")
