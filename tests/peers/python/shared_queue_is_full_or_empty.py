import multiprocessing, queue, time
if __name__ == "__main__":
    q = multiprocessing.Queue(2)
    print(q.empty(), q.full())
    for call in (lambda: q.get_nowait(), lambda: q.get(False), lambda: q.get(True, 0.01)):
        try: call()
        except queue.Empty: print("empty")
    q.put("a"); q.put({"key": [1, 2.5, True]})
    print(q.full(), q.qsize())
    for call in (lambda: q.put_nowait(1), lambda: q.put(1, False), lambda: q.put(1, True, 0.01)):
        try: call()
        except queue.Full: print("full")
    print(q.get(), q.get()["key"][1])
    while not q.empty(): pass
    print(q.empty(), q.full())
