import queue, threading
q = queue.Queue()
try:
    q.task_done()
except ValueError:
    print("too often")
q.join()
q.put(1)
q.get()
waiter = threading.Thread(target=lambda: (q.join(), print("joined")))
waiter.start()
waiter.join(0.01)
print(waiter.is_alive())
q.task_done()
waiter.join()
