import queue, threading
q, out, lock = queue.Queue(3), [], threading.Lock()
def produce(base):
    for i in range(20): q.put(base + i)
def consume():
    while True:
        item = q.get()
        if item is False: return
        with lock: out.append(item)
producers = [threading.Thread(target=produce, args=(100 * n,)) for n in range(3)]
consumers = [threading.Thread(target=consume) for n in range(2)]
for t in producers + consumers: t.start()
for t in producers: t.join()
for t in consumers: q.put(False)
for t in consumers: t.join()
print(len(out), sum(out), q.empty())
print([x for x in out if x < 100] == list(range(20)) or sorted(x for x in out if x < 100) == list(range(20)))
