from concurrent.futures import ThreadPoolExecutor
import threading
names = set()
gate = threading.Barrier(2)
def f():
    gate.wait()
    names.add(threading.current_thread().name)
with ThreadPoolExecutor(2, thread_name_prefix="crew") as pool:
    for i in range(2): pool.submit(f)
print(sorted(names))
