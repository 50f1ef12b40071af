import queue
for make in queue.Queue, queue.LifoQueue, queue.PriorityQueue:
    q = make(2)
    print(q.empty(), q.full(), q.qsize())
    q.put(1)
    print(q.empty(), q.full(), q.qsize())
    q.put(2)
    print(q.empty(), q.full(), q.qsize())
    for put in (lambda: q.put_nowait(3), lambda: q.put(3, False), lambda: q.put(3, True, 0.01)):
        try:
            put()
        except queue.Full:
            print("full", q.qsize())
q = queue.Queue(-1)
for i in range(100): q.put_nowait(i)
print(q.full(), q.qsize())
s = queue.SimpleQueue()
s.put("x")
print(s.empty(), s.qsize(), s.get(), s.empty())
