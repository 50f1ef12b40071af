import threading
actions = []
b = threading.Barrier(3, action=lambda: actions.append(1))
numbers = []
def run():
    for i in range(4):
        numbers.append(b.wait())
ts = [threading.Thread(target=run) for i in range(3)]
for t in ts: t.start()
for t in ts: t.join()
print(len(actions), len(numbers), sorted(set(n - min(numbers) for n in numbers)))
print(b.parties, b.n_waiting, b.broken)
