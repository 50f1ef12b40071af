from multiprocessing import Pool
def power(x, y): return x ** y
if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.starmap(power, [(2, 3), (3, 2), (5, 0)]))
        print(pool.starmap(power, []))
        print(pool.starmap_async(power, [(2, 10)]).get())
        try:
            pool.starmap(power, [3])
        except TypeError:
            print("no list of arguments")
