import multiprocessing as mp
import queue
def producer(q):
    for i in range(100):
        q.put(i)
    q.put(None)
if __name__ == "__main__":
    q = mp.Queue()
    p = mp.Process(target=producer, args=(q,))
    p.start()
    got = []
    while True:
        item = q.get()
        if item is None:
            break
        got.append(item)
    p.join()
    print(len(got), got == list(range(100)), sum(got))
    try:
        q.get(timeout=0.01)
    except queue.Empty:
        print("empty")
    bounded = mp.Queue(1)
    bounded.put("a")
    try:
        bounded.put("b", False)
    except queue.Full:
        print("full", bounded.full())
    print(bounded.get())
