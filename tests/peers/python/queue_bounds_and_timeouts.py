import queue
q = queue.Queue(2)
q.put(1)
q.put_nowait(2)
print(q.full(), q.qsize())
for f in (lambda: q.put(3, False), lambda: q.put_nowait(3), lambda: q.put(3, True, 0.01), lambda: q.put(3, True, 0)):
    try:
        f()
    except queue.Full:
        print("full")
q.get()
q.get_nowait()
for f in (lambda: q.get(False), lambda: q.get_nowait(), lambda: q.get(True, 0.01), lambda: q.get(True, 0)):
    try:
        f()
    except queue.Empty:
        print("empty")
for f in (lambda: q.put(1, True, -1), lambda: q.get(True, -1)):
    try:
        f()
    except ValueError:
        print("negative timeout")
print(queue.Queue(0).full(), queue.Queue(-1).full())
