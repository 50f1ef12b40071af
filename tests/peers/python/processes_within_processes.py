import multiprocessing, sys
def inner(): sys.exit(7)
def outer():
    p = multiprocessing.Process(target=inner)
    p.start()
    p.join()
    sys.exit(p.exitcode + 1)
if __name__ == "__main__":
    p = multiprocessing.Process(target=outer)
    p.start()
    p.join()
    print(p.exitcode)
