import threading
seen = []
go = threading.Event()
def f():
    go.wait()
    seen.append(threading.current_thread().name)
t = threading.Thread(target=f, name="before")
t.start()
print(t.name)
t.name = "after"
go.set()
t.join()
print(seen, t.name)
