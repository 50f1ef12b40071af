from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor
def add(a, b, c): return a + 10 * b + 100 * c
if __name__ == "__main__":
    for kind in ThreadPoolExecutor, ProcessPoolExecutor:
        with kind(2) as pool:
            print(*pool.map(add, [1, 2, 3, 4], (n for n in (5, 6, 7)), [8, 9, 1, 2]))
            print(*pool.map(add, [1, 2], [], [3]))
            print(*pool.map(add, range(1, 6), range(1, 6), range(1, 6), chunksize=2, timeout=60))
            it = pool.map(add, [1], [2], [3])
            print(next(it), next(it, "end"), next(it, "end"))
