import threading
lock = threading.Lock()
not_empty, not_full = threading.Condition(lock), threading.Condition(lock)
items, out = [], []
def produce():
    for i in range(6):
        with not_full:
            not_full.wait_for(lambda: len(items) < 2)
            items.append(i)
            not_empty.notify()
def consume():
    for i in range(6):
        with not_empty:
            not_empty.wait_for(lambda: items)
            out.append(items.pop(0))
            not_full.notify()
ts = [threading.Thread(target=produce), threading.Thread(target=consume)]
for t in ts: t.start()
for t in ts: t.join()
print(out, lock.locked())
with not_full: print(lock.locked())
