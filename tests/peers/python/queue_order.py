import queue
for make in (queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue):
    q = make()
    for i in (3, 1, 2): q.put(i)
    print(q.qsize(), q.empty(), [q.get() for i in range(3)], q.empty())
