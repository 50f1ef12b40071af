import multiprocessing as mp
import threading
def party(barrier, out, timeout):
    try:
        barrier.wait(timeout)
        out.put("passed")
    except threading.BrokenBarrierError:
        out.put("broken")
if __name__ == "__main__":
    out = mp.Queue()
    barrier = mp.Barrier(3)
    ps = [mp.Process(target=party, args=(barrier, out, None)) for _ in range(2)]
    for p in ps:
        p.start()
    barrier.wait()
    print(out.get(), out.get(), barrier.broken)
    for p in ps:
        p.join()
    p = mp.Process(target=party, args=(barrier, out, 0.05))
    p.start()
    print(out.get(), barrier.broken)
    p.join()
    try:
        barrier.wait()
    except threading.BrokenBarrierError:
        print("still broken")
    barrier.reset()
    print(barrier.broken, barrier.n_waiting, barrier.parties)
    p = mp.Process(target=party, args=(barrier, out, None))
    p.start()
    while barrier.n_waiting == 0:
        pass
    barrier.abort()
    print(out.get(), barrier.broken)
    p.join()
