import multiprocessing as mp
def add(v, lock, n):
    for _ in range(n):
        with lock:
            v.value += 1
def waiter(e, sem, q):
    q.put(e.wait(0.01))
    sem.release()
    q.put(e.wait())
def meet(b, q):
    i = b.wait()
    q.put(b.n_waiting <= 2)
if __name__ == "__main__":
    v, lock = mp.Value("i", 5), mp.Lock()
    ps = [mp.Process(target=add, args=(v, lock, 50)) for _ in range(3)]
    for p in ps: p.start()
    for p in ps: p.join()
    print(v.value)
    print(lock.acquire(), lock.acquire(False), lock.acquire(True, 0.01))
    lock.release()
    try:
        lock.release()
    except ValueError:
        print("not held")
    e, sem, q = mp.Event(), mp.Semaphore(0), mp.Queue()
    p = mp.Process(target=waiter, args=(e, sem, q))
    p.start()
    sem.acquire()
    e.set()
    print(q.get(), q.get(), e.is_set())
    p.join()
    b = mp.Barrier(3)
    ps = [mp.Process(target=meet, args=(b, q)) for _ in range(2)]
    for p in ps: p.start()
    b.wait()
    print(q.get(), q.get(), b.parties, b.broken)
    for p in ps: p.join()
    bounded = mp.BoundedSemaphore(1)
    try:
        bounded.release()
    except ValueError:
        print("too many")
    j = mp.JoinableQueue()
    for i in range(3): j.put(i)
    for i in range(3):
        j.get()
        j.task_done()
    j.join()
    try:
        j.task_done()
    except ValueError:
        print("done too often")
    print(mp.current_process().name, mp.parent_process(), mp.active_children())
