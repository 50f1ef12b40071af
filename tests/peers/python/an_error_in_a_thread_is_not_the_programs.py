import threading
threading.excepthook = lambda args: print("hook", args.exc_value)
def fails(): raise ValueError("lost")
t = threading.Thread(target=fails)
t.start()
t.join()
print("goes on")
