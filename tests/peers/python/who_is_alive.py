import threading
gate = threading.Event()
print(threading.active_count(), threading.enumerate() == [threading.main_thread()])
ts = [threading.Thread(target=gate.wait, name="w%d" % i) for i in range(3)]
print(threading.active_count())
for t in ts: t.start()
print(threading.active_count(), sorted(t.name for t in threading.enumerate()))
gate.set()
for t in ts: t.join()
print(threading.active_count(), ts[0] in threading.enumerate())
