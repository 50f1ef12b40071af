from multiprocessing import Pool
import time
if __name__ == "__main__":
    with Pool(1) as pool:
        r = pool.apply_async(time.sleep, (1000,))
    for call in (lambda: pool.apply(int), lambda: pool.map(int, ["1"]), lambda: pool.apply_async(int), lambda: pool.imap(int, ["1"])):
        try:
            call()
        except ValueError:
            print("not running")
    pool.join()
    pool.terminate()
    pool.close()
    print("ended")
