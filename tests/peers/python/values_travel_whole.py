from concurrent.futures import ProcessPoolExecutor
def same(x): return x
def shared(x): return x[0] is x[1]
if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        for x in (1, -1, 2**62, 0.1, 1e308, float("inf"), True, "", "text", "\0bytes\0", "\u00e9"):
            print(pool.submit(same, x).result() == x)
        a = []
        print(pool.submit(shared, [a, a]).result(), pool.submit(shared, [[], []]).result())
        loop = {}
        loop["me"] = loop
        back = pool.submit(same, loop).result()
        print(back["me"] is back, back is loop)
