from concurrent.futures import ThreadPoolExecutor
def f(x):
    if x == 2: raise ValueError("at two")
    return x
with ThreadPoolExecutor(2) as pool:
    results, got = pool.map(f, range(6)), []
    try:
        for r in results: got.append(r)
    except ValueError as e:
        print(got, e)
    print(list(results))
