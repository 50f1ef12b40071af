import threading
t = threading.Thread(target=print)
try:
    t.join()
except RuntimeError:
    print("not started")
try:
    threading.current_thread().join()
except RuntimeError:
    print("oneself")
t = threading.Thread(target=lambda: None)
t.start()
t.join()
t.join()
t.join(0)
try:
    t.start()
except RuntimeError:
    print("once only")
try:
    t.join("soon")
except TypeError:
    print("no number")
