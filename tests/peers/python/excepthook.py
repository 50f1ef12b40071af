import threading
def hook(args): print(args.exc_type.__name__, args.exc_value, args.thread.name)
threading.excepthook = hook
def fails(): raise ValueError("went wrong")
t = threading.Thread(target=fails, name="faulty")
t.start()
t.join()
print(t.is_alive())
