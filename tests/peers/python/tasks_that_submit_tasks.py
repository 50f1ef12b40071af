from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    def outer(n):
        return n + pool.submit(lambda: 10 * n).result()
    print(pool.submit(outer, 4).result())
    later = pool.submit(lambda: pool.submit(lambda: "inner"))
    print(later.result().result())
