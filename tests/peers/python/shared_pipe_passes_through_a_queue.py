import multiprocessing as mp
def child(q, back):
    conn = q.get()
    back.put("got it")
    conn.send("through the queue")
    print(conn.recv(), flush=True)
    conn.close()
if __name__ == "__main__":
    q, back = mp.Queue(), mp.Queue()
    a, b = mp.Pipe()
    p = mp.Process(target=child, args=(q, back))
    p.start()
    q.put(b)
    back.get()
    b.close()
    print(a.recv(), flush=True)
    a.send("answered")
    p.join()
    try:
        a.recv()
    except EOFError:
        print("closed")
