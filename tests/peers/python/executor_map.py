from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(3) as pool:
    print(list(pool.map(lambda x: x * x, range(5))))
    print(list(pool.map(lambda x, y: x + y, [1, 2, 3], [10, 20])))
    print(list(pool.map(len, [])))
    def f(x):
        if x == 2: raise ValueError("two")
        return x
    results = pool.map(f, [1, 2, 3])
    print(next(results))
    try:
        next(results)
    except ValueError as e:
        print(e)
