"""What processes share: queues, Pipes and locks of multiprocessing.
usage: shared.py MODE [N]; modes: queue simple queue4x4 roundtrip pipe large lock lock4"""
import multiprocessing as mp
import sys
from common import emit, now

mode, n = sys.argv[1], int(sys.argv[2])


def produce(q, k):
    for i in range(k):
        q.put(i)


def consume(q, k):
    for _ in range(k):
        q.get()


def begin(ready, go, f, q, k):
    ready.release()
    go.wait()
    f(q, k)


def start(f, *args):
    p = mp.Process(target=f, args=args)
    p.start()
    return p


def through(q, sides):
    ready, go = mp.Semaphore(0), mp.Event()
    ps = [start(begin, ready, go, produce, q, n // sides) for _ in range(sides)]
    ps += [start(begin, ready, go, consume, q, n // sides) for _ in range(sides - 1)]
    for _ in ps:
        ready.acquire()
    t0 = now()
    go.set()
    consume(q, n // sides)
    for p in ps:
        p.join()
    return now() - t0


def echo_queue(a, b, k):
    for _ in range(k + 1):
        b.put(a.get())


def echo_pipe(c, k):
    for _ in range(k + 1):
        c.send(c.recv())


def roundtrip():
    a, b = mp.SimpleQueue(), mp.SimpleQueue()
    p = start(echo_queue, a, b, n)
    a.put(0)
    b.get()
    t0 = now()
    for i in range(n):
        a.put(i)
        b.get()
    s = now() - t0
    p.join()
    return s


def pipe():
    a, b = mp.Pipe()
    p = start(echo_pipe, b, n)
    a.send(0)
    a.recv()
    t0 = now()
    for i in range(n):
        a.send(i)
        a.recv()
    s = now() - t0
    p.join()
    return s


def send_large(q, go, k):
    item = b"x" * (16 << 20)
    go.set()
    for _ in range(k):
        q.put(item)


def large():
    q, go = mp.Queue(2), mp.Event()
    p = start(send_large, q, go, n)
    go.wait()
    t0 = now()
    consume(q, n)
    s = now() - t0
    p.join()
    return s


def turns(lock, k):
    for _ in range(k):
        lock.acquire()
        lock.release()


def lock1():
    lock = mp.Lock()
    t0 = now()
    turns(lock, n)
    return now() - t0


def lock4():
    lock, ready, go = mp.Lock(), mp.Semaphore(0), mp.Event()
    ps = [start(begin, ready, go, turns, lock, n // 4) for _ in range(4)]
    for _ in ps:
        ready.acquire()
    t0 = now()
    go.set()
    for p in ps:
        p.join()
    return now() - t0


modes = {"queue": lambda: through(mp.Queue(), 1), "simple": lambda: through(mp.SimpleQueue(), 1),
         "queue4x4": lambda: through(mp.Queue(), 4), "roundtrip": roundtrip, "pipe": pipe, "large": large,
         "lock": lock1, "lock4": lock4}
emit("shared." + mode, n, modes[mode]())
