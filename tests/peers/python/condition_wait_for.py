import threading
c = threading.Condition()
with c:
    print(c.wait_for(lambda: None, 0.01))
    print(c.wait_for(lambda: 5))
    print(c.wait_for(lambda: "late", 0))
    try:
        c.wait_for(lambda: 1 / 0)
    except ZeroDivisionError:
        print("error of the predicate")
value = 0
def setter():
    global value
    for i in range(3):
        with c:
            value += 1
            c.notify_all()
with c:
    t = threading.Thread(target=setter)
    t.start()
    print(c.wait_for(lambda: value >= 3))
t.join()
try:
    c.wait_for(lambda: False, 0.01)
except RuntimeError:
    print("not held")
