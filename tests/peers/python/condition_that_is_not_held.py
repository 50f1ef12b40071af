import threading
for cond in threading.Condition(), threading.Condition(threading.Lock()):
    for call in cond.wait, cond.notify, cond.notify_all, lambda: cond.wait_for(lambda: False):
        try:
            call()
        except RuntimeError:
            print("not held")
held = threading.Event()
cond = threading.Condition()
def other():
    try:
        cond.notify()
    except RuntimeError:
        print("held by another")
with cond:
    t = threading.Thread(target=other)
    t.start()
    t.join()
