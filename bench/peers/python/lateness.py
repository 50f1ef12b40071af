"""How late a thread wakes that sleeps for a millisecond, N times, beside B threads that compute, and what these get done.
usage: lateness.py [N] [B]"""
import threading
import time
from common import args, emit, now

n, spinners = args(300, 1)
stop = False
spun = [0] * spinners


def spin(slot):
    k = 0
    while not stop:
        for _ in range(1000):
            pass
        k += 1000
    spun[slot] = k


def beside(f):
    """spins per second of the spinners while f runs"""
    global stop
    stop = False
    threads = [threading.Thread(target=spin, args=(i,)) for i in range(spinners)]
    for t in threads:
        t.start()
    t0 = now()
    f()
    seconds = now() - t0
    stop = True
    for t in threads:
        t.join()
    return sum(spun) / seconds


late = []


def sleeper():
    for _ in range(n):
        t0 = now()
        time.sleep(0.001)
        late.append((now() - t0 - 0.001) * 1e6)


alone = beside(lambda: time.sleep(0.3))
together = beside(sleeper)
late.sort()
emit("lateness", n, sum(late) / 1e6, metric="p50_us", p50_us=late[n // 2], p99_us=late[n * 99 // 100],
     max_us=late[-1], spinner_share=round(together / alone, 3))
