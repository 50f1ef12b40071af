import threading, queue
q, done = queue.Queue(), []
def worker():
    while True:
        item = q.get()
        done.append(item * 2)
        q.task_done()
threading.Thread(target=worker, daemon=True).start()
for item in range(5): q.put(item)
q.join()
print(done, q.empty(), q.qsize())
