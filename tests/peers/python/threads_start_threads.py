import threading
log = []
def nested(n):
    if n > 0:
        t = threading.Thread(target=nested, args=(n - 1,))
        t.start()
        t.join()
    log.append(n)
t = threading.Thread(target=nested, args=(4,))
t.start()
t.join()
print(log)
