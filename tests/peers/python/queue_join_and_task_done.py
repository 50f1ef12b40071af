import queue, threading
q = queue.Queue()
try:
    q.task_done()
except ValueError:
    print("called too often")
total = 0
def worker():
    global total
    while True:
        i = q.get()
        total += i
        q.task_done()
threading.Thread(target=worker, daemon=True).start()
for i in range(10): q.put(i)
q.join()
print(total, q.qsize())
q.join()
print("an empty queue is joined at once")
