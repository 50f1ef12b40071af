import multiprocessing
state = {"n": 1}
def f(given):
    given.append("child")
    state["n"] += 1
    print(given, state["n"], flush=True)
if __name__ == "__main__":
    given = ["parent"]
    for i in range(2):
        p = multiprocessing.Process(target=f, args=(given,))
        p.start()
        p.join()
    print(given, state["n"], p.exitcode)
