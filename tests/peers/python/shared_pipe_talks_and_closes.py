import multiprocessing as mp
def child(conn, other):
    other.close()
    while True:
        try:
            x = conn.recv()
        except EOFError:
            break
        conn.send(x * 2)
if __name__ == "__main__":
    a, b = mp.Pipe()
    p = mp.Process(target=child, args=(b, a))
    p.start()
    b.close()
    for i in range(3):
        a.send(i)
        print(a.recv())
    print(a.poll())
    a.close()
    p.join()
    print(p.exitcode)
    r, w = mp.Pipe(False)
    w.send(["x", 1.5, None])
    print(r.poll(), *r.recv())
    w.close()
    try:
        r.recv()
    except EOFError:
        print("closed")
