from concurrent.futures import ThreadPoolExecutor
import threading
with ThreadPoolExecutor(1) as pool:
    names = {pool.submit(lambda: threading.current_thread().name).result() for i in range(5)}
    print(len(names), pool.submit(lambda: threading.current_thread().daemon).result())
    local = threading.local()
    def count():
        local.n = getattr(local, "n", 0) + 1
        return local.n
    print([pool.submit(count).result() for i in range(3)])
