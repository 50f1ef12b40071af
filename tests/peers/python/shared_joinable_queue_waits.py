import multiprocessing as mp
def worker(jobs, done):
    while True:
        n = jobs.get()
        done.put(n * n)
        jobs.task_done()
if __name__ == "__main__":
    jobs, done = mp.JoinableQueue(), mp.Queue()
    ps = [mp.Process(target=worker, args=(jobs, done), daemon=True) for _ in range(2)]
    for p in ps:
        p.start()
    for n in range(1, 21):
        jobs.put(n)
    jobs.join()
    print(sum(done.get() for _ in range(20)))
    jobs.join()
    print(jobs.empty())
    try:
        jobs.task_done()
    except ValueError:
        print("too often")
    for p in ps:
        p.terminate()
        p.join()
        print(p.exitcode)
