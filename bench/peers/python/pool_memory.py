"""Memory of a worker that it shares with nobody, beside a parent whose heap has 200 MiB.
usage: pool_memory.py [idle|busy] [MIB]"""
import multiprocessing as mp
import os
import re
from concurrent.futures import ProcessPoolExecutor
from common import args, emit, memory_kb

mode, mib = args("idle", 200)


def private_kb(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(kb) for kb in re.findall(r"Private_\w+:\s+(\d+)", f.read()))


def work():
    last = None
    for i in range(1000000):
        last = (i, str(i))
    return len(last)


if __name__ == "__main__":
    heap, i = [], 0
    while i % 10000 or memory_kb()[0] < mib * 1024:
        i += 1
        heap.append({"id": i, "name": "record %d" % i, "x": i * 0.5})
    with ProcessPoolExecutor(1, mp_context=mp.get_context("fork")) as ex:
        worker = ex.submit(os.getpid).result()
        if mode == "busy":
            ex.submit(work).result()
        emit("pool_memory." + mode, 1, 0.0, metric="kib", heap_mib=memory_kb()[0] / 1024, kib=private_kb(worker))
