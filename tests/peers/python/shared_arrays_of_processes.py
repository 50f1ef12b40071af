import multiprocessing
def fill(a, first, last):
    for i in range(first, last): a[i] = i * i
if __name__ == "__main__":
    a = multiprocessing.Array("d", 8)
    print(list(a), len(a))
    ps = [multiprocessing.Process(target=fill, args=(a, 4 * n, 4 * n + 4)) for n in range(2)]
    for p in ps: p.start()
    for p in ps: p.join()
    print(list(a), sum(a))
    try:
        a[8] = 1
    except IndexError:
        print("outside")
    b = multiprocessing.Array("i", 2)
    try:
        b[0] = "text"
    except TypeError:
        print("no number")
