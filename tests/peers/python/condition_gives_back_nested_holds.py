import threading
cond = threading.Condition()
waiting, log = threading.Event(), []
def f():
    with cond:
        with cond:
            waiting.set()
            cond.wait()
            log.append("woken")
        log.append("inner left")
    log.append("outer left")
t = threading.Thread(target=f)
t.start()
waiting.wait()
with cond:
    cond.notify()
    log.append("notified")
t.join()
print(log)
