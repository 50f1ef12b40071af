import queue
class Job:
    def __init__(self, p, n): self.p, self.n = p, n
    def __lt__(self, o): return self.p < o.p
q = queue.PriorityQueue()
for p, n in ((5, "five"), (1, "one"), (3, "three"), (1.5, "one and a half")): q.put(Job(p, n))
print([q.get().n for i in range(4)])
q.put(1)
try:
    q.put("x")
    print("no error")
except TypeError:
    print("cannot be compared", q.qsize() >= 1)
