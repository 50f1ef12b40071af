from multiprocessing import Pool
def f(x):
    if x % 2: raise ValueError("odd %d" % x)
    return x
if __name__ == "__main__":
    with Pool(2) as pool:
        try:
            pool.map(f, [0, 1, 2, 3], chunksize=4)
        except ValueError as e:
            print(e)
        print(pool.map(f, [2, 4]))
        try:
            pool.apply(f, (7,))
        except ValueError as e:
            print(e)
