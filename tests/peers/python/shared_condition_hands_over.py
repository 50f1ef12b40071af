import multiprocessing as mp
def consumer(cond, turn, out):
    for i in range(3):
        with cond:
            cond.wait_for(lambda: turn.value == 1)
            out.put(i)
            turn.value = 0
            cond.notify()
def late(cond, out):
    with cond:
        out.put(cond.wait(0.01))
if __name__ == "__main__":
    cond, turn, out = mp.Condition(), mp.Value("i", 0), mp.Queue()
    p = mp.Process(target=consumer, args=(cond, turn, out))
    p.start()
    for i in range(3):
        with cond:
            cond.wait_for(lambda: turn.value == 0)
            turn.value = 1
            cond.notify()
        print(out.get())
    p.join()
    p = mp.Process(target=late, args=(cond, out))
    p.start()
    print(out.get())
    p.join()
    try:
        cond.notify()
    except Exception:
        print("not held")
    with cond:
        print(cond.wait_for(lambda: False, 0.01), cond.wait_for(lambda: 7))
