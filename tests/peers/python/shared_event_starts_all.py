import multiprocessing
def runner(go, done, q, n):
    go.wait()
    q.put(n)
    with done: pass
if __name__ == "__main__":
    go, done, q = multiprocessing.Event(), multiprocessing.Semaphore(1), multiprocessing.Queue()
    ps = [multiprocessing.Process(target=runner, args=(go, done, q, n)) for n in range(4)]
    print(go.is_set())
    ps[0].start()
    ps[0].join(0.01)
    print(ps[0].is_alive(), q.empty())
    for p in ps[1:]: p.start()
    go.set()
    print(sorted(q.get() for _ in ps), go.wait(0), go.is_set())
    for p in ps: p.join()
    go.clear()
    print(go.wait(0.01), go.is_set())
