import threading
print(threading.stack_size())
print(threading.stack_size(2 * 1024 * 1024))
try:
    threading.stack_size(4096)
except ValueError:
    print("too small")
try:
    threading.stack_size(-1)
except ValueError:
    print("negative")
t = threading.Thread(target=lambda: print("runs"))
t.start()
t.join()
print(threading.stack_size(0), threading.stack_size(0))
