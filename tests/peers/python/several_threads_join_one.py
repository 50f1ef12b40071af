import threading
gate, log = threading.Event(), []
t = threading.Thread(target=gate.wait)
t.start()
joiners = [threading.Thread(target=lambda: (t.join(), log.append(t.is_alive()))) for i in range(3)]
for j in joiners: j.start()
print(t.is_alive(), log)
gate.set()
for j in joiners: j.join()
print(log)
