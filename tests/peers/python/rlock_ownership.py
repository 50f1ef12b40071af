import threading
l = threading.RLock()
print(l.acquire(), l.acquire(), l.acquire())
def other():
    print(l.acquire(False))
    try:
        l.release()
    except RuntimeError:
        print("not the owner")
def run(f):
    t = threading.Thread(target=f)
    t.start()
    t.join()
run(other)
l.release()
l.release()
run(other)
l.release()
def takes():
    print(l.acquire(False))
    l.release()
run(takes)
try:
    l.release()
except RuntimeError:
    print("not held")
