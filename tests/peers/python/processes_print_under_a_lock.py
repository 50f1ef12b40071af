import multiprocessing, sys
def say(lock, total, i):
    with lock:
        total.value += i
        sys.stdout.write("process %s says %d\n" % ("n", 7))
        sys.stdout.flush()
if __name__ == "__main__":
    lock, total = multiprocessing.Lock(), multiprocessing.Value("l", 0, lock=False)
    ps = [multiprocessing.Process(target=say, args=(lock, total, i)) for i in range(1, 11)]
    for p in ps: p.start()
    for p in ps: p.join()
    print(total.value, [p.exitcode for p in ps] == [0] * 10)
