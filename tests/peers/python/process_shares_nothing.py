import multiprocessing
x = [1]
def change(l):
    x.append(2)
    l.append(2)
if __name__ == "__main__":
    p = multiprocessing.Process(target=change, args=(x,))
    p.start()
    p.join()
    print(x, p.exitcode)
