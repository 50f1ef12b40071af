from multiprocessing import Pool
if __name__ == "__main__":
    pool = Pool(1)
    r = pool.apply_async(int, ("7",))
    try:
        pool.join()
    except ValueError:
        print("still running")
    pool.close()
    try:
        pool.apply(int)
    except ValueError:
        print("closed")
    pool.join()
    print(r.get())
    pool = Pool(1)
    pool.terminate()
    pool.join()
    print("terminated")
