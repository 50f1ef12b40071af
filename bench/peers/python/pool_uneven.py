"""N tasks that compute for 1 to 100 ms, in no order, over WORKERS processes: the time over that of the ideal schedule.
usage: pool_uneven.py [N] [WORKERS]"""
import multiprocessing as mp
import time
from concurrent.futures import ProcessPoolExecutor
from common import args, emit, now

n, workers = args(60, 2)


def compute(ms):
    till = time.process_time() + ms / 1e3
    while time.process_time() < till:
        pass


if __name__ == "__main__":
    lengths, seed = [], 12345
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % 2147483648
        lengths.append(1 + (seed >> 16) % 100)
    with ProcessPoolExecutor(workers, mp_context=mp.get_context("fork")) as ex:
        list(ex.map(compute, [1] * workers * 4))
        t0 = now()
        fs = [ex.submit(compute, ms) for ms in lengths]
        for f in fs:
            f.result()
        s = now() - t0
    ideal = max(sum(lengths) / workers, max(lengths))
    emit("pool_uneven", n, s, metric="ratio", ratio=s * 1e3 / ideal)
