import threading
cond, turn, out = threading.Condition(), ["ping"], []
def player(me, other):
    for _ in range(3):
        with cond:
            cond.wait_for(lambda: turn[0] == me)
            out.append(me)
            turn[0] = other
            cond.notify()
a = threading.Thread(target=player, args=("ping", "pong"))
b = threading.Thread(target=player, args=("pong", "ping"))
b.start(); a.start(); a.join(); b.join()
print(*out)
with cond:
    print(cond.wait_for(lambda: False, 0.01), cond.wait(0.01))
