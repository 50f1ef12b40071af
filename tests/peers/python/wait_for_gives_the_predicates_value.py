import threading
cond = threading.Condition()
with cond:
    print(cond.wait_for(lambda: "there"))
    print(cond.wait_for(lambda: False, 0.01))
    print(cond.wait_for(lambda: None, 0))
    print(cond.wait(0.01))
    try:
        cond.wait_for(lambda: 1 // 0)
    except ZeroDivisionError:
        print("error")
print("left")
