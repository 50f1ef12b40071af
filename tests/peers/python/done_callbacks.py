from concurrent.futures import ThreadPoolExecutor
import threading
log, done = [], threading.Semaphore(0)
with ThreadPoolExecutor(1) as pool:
    f = pool.submit(lambda: 7)
    f.add_done_callback(lambda f: (log.append(f.result()), done.release()))
    done.acquire()
    f.add_done_callback(lambda f: (log.append("late"), done.release()))
    done.acquire()
print(log)
