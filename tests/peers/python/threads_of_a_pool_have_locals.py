import threading
from concurrent.futures import ThreadPoolExecutor
local = threading.local()
made = []
def begin(first):
    local.count = first
    made.append(threading.current_thread().name.startswith("w"))
def work(x):
    local.count += 1
    return local.count
with ThreadPoolExecutor(1, "w", begin, (10,)) as pool:
    print(*pool.map(work, range(4)))
print(made, hasattr(local, "count"))
