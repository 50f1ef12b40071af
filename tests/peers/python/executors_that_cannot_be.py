from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor
for make in ThreadPoolExecutor, ProcessPoolExecutor:
    for args in (0,), (-1,):
        try:
            make(*args)
        except ValueError:
            print("one or more")
    try:
        make(1, initializer="no function")
    except TypeError:
        print("callable")
with ThreadPoolExecutor(1) as pool:
    try:
        pool.submit()
    except TypeError:
        print("what")
