import multiprocessing, os, sys, time
def ends(how):
    if how == "error":
        sys.stderr = open(os.devnull, "w")
        raise ValueError
    if how == "exit": sys.exit(3)
    if how == "sleep": time.sleep(60)
if __name__ == "__main__":
    for how in ("well", "error", "exit"):
        p = multiprocessing.Process(target=ends, args=(how,))
        print(p.pid, p.exitcode, p.is_alive())
        p.start()
        p.join()
        print(p.exitcode, p.is_alive())
    p = multiprocessing.Process(target=ends, args=("sleep",))
    p.start()
    print(p.is_alive(), p.exitcode, p.join(0.01), p.is_alive())
    p.terminate()
    p.join()
    print(p.exitcode)
    p = multiprocessing.Process(target=ends, args=("sleep",))
    p.start()
    p.kill()
    p.join()
    print(p.exitcode)
    try:
        p.start()
    except AssertionError:
        print("started twice")
