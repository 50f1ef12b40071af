import threading
forks = [threading.Lock() for _ in range(5)]
meals = [0] * 5
def philosopher(i):
    first, second = sorted([i, (i + 1) % 5])
    for _ in range(20):
        with forks[first]:
            with forks[second]:
                meals[i] += 1
ts = [threading.Thread(target=philosopher, args=(i,), name="philosopher %d" % i) for i in range(5)]
for t in ts: t.start()
for t in ts: t.join()
print(meals)
print([f.locked() for f in forks])
print(ts[2].name, ts[2].is_alive())
