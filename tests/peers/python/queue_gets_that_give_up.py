import queue
for q in queue.Queue(), queue.LifoQueue(), queue.PriorityQueue(), queue.SimpleQueue():
    for get in (lambda: q.get_nowait(), lambda: q.get(False), lambda: q.get(True, 0.01), lambda: q.get(timeout=0)):
        try:
            get()
        except queue.Empty:
            print("empty")
    try:
        q.get(True, -1)
    except ValueError:
        print("negative")
