from multiprocessing import Pool
def f(x): return x * 10
def add(a, b): return a + b
def fails(x):
    if x == 3: raise ValueError("three")
    return x
if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.apply(add, (1, 2)), pool.map(f, [1, 2, 3]), pool.map(f, []))
        print(pool.starmap(add, [(1, 2), (3, 4)]), pool.map(f, range(10), 3))
        try:
            pool.map(fails, range(5))
        except ValueError as e:
            print(e)
        print(list(pool.imap(f, range(3))), sorted(pool.imap_unordered(f, range(4))))
