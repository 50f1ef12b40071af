from multiprocessing import Pool
def f(x):
    if x == 2: raise ValueError("two")
    return x * 10
if __name__ == "__main__":
    with Pool(2) as pool:
        it = pool.imap(f, [1, 2, 3])
        print(next(it))
        try:
            next(it)
        except ValueError as e:
            print(e)
        print(next(it))
        try:
            next(it)
        except StopIteration:
            print("end")
        print(sorted(pool.imap_unordered(f, [3, 1, 5])))
        print(list(pool.imap(f, range(3, 10), chunksize=3)))
