import multiprocessing
def f(): pass
if __name__ == "__main__":
    p, q = multiprocessing.Process(target=f), multiprocessing.Process(target=f)
    print(p.name, q.name, multiprocessing.Process(target=f, name="mine").name)
    p.name = "renamed"
    print(p.name, p.daemon, p.pid, p.exitcode)
    p.daemon = True
    p.start()
    print(p.name, p.daemon, p.pid > 0)
    try:
        p.daemon = False
    except AssertionError:
        print("too late")
    p.join()
    try:
        multiprocessing.Process(target=f).join()
    except AssertionError:
        print("not started")
