from multiprocessing import Pool
import os
def pid(x): return os.getpid()
if __name__ == "__main__":
    with Pool(1, maxtasksperchild=2) as pool:
        pids = [pool.apply(pid, (i,)) for i in range(6)]
        print(len(set(pids)), os.getpid() in pids)
    with Pool(1) as pool:
        print(len({pool.apply(pid, (i,)) for i in range(6)}))
