import threading
l = threading.local()
l.x = "main"
def f(i):
    print(hasattr(l, "x"))
    l.x = i
    print(l.x)
for i in (1, 2):
    t = threading.Thread(target=f, args=(i,))
    t.start()
    t.join()
print(l.x)
del l.x
print(hasattr(l, "x"))
