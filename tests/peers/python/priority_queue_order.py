import queue
q = queue.PriorityQueue()
for x in (5, 3, 8, 1, 3, 9, 2): q.put(x)
print([q.get() for i in range(7)])
for x in ("pear", "apple", "fig", ""): q.put(x)
print([q.get() for i in range(4)])
for x in (2.5, 2, -1e300, 3): q.put(x)
print(q.get() < 0, q.get(), q.get(), q.get())
q.put(1)
try:
    q.put("one")
except TypeError:
    print("not to be compared")
