from concurrent.futures import ProcessPoolExecutor
def square(x): return x * x
def add(x, y): return x + y
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        print(sum(pool.map(square, range(1, 101), chunksize=7)))
        print(list(pool.map(add, [1, 2, 3], [10, 20, 30], chunksize=2)))
        print(list(pool.map(max, [[1, 5], [3, 2]])))
        try:
            pool.map(square, [1], chunksize=0)
        except ValueError:
            print("one or more")
