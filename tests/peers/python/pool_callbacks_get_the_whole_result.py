from multiprocessing import Pool
import threading
def square(x): return x * x
def fails(x): raise ValueError("bad %d" % x)
if __name__ == "__main__":
    log, done = [], threading.Semaphore(0)
    def note(v):
        log.append(str(v))
        done.release()
    with Pool(2) as pool:
        pool.map_async(square, [1, 2, 3], callback=note)
        done.acquire()
        pool.starmap_async(fails, [(4,)], callback=note, error_callback=lambda e: note("error " + str(e)))
        done.acquire()
    print(log)
