"""A thread for each connection, many of which say nothing: requests a second.
usage: connections.py [IDLE] [BUSY] [SECONDS]

A separate process (the client program named by BENCH_CLIENT) opens IDLE + BUSY connections; each busy one sends a 16-byte
request when the answer to its last one has come."""
import json
import os
import socket
import subprocess
import threading
from common import args, emit, unsupported

idle, busy, seconds = args(1000, 50, 2.0)
client = os.environ.get("BENCH_CLIENT")
if not client:
    unsupported("connections", "BENCH_CLIENT is not set")

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(idle + busy)


def serve(conn):
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        data = conn.recv(16)
        if not data:
            break
        conn.sendall(data)
    conn.close()


def accept():
    threads = []
    for _ in range(idle + busy):
        t = threading.Thread(target=serve, args=(listener.accept()[0],))
        t.start()
        threads.append(t)
    for t in threads:
        t.join()


acceptor = threading.Thread(target=accept)
acceptor.start()
out = subprocess.run([client, str(listener.getsockname()[1]), str(idle), str(busy), str(seconds)], stdout=subprocess.PIPE,
                     check=True).stdout
acceptor.join()
r = json.loads(out)
emit("connections", r["n"], r["seconds"], requests_per_s=r["requests_per_s"], lost=r["lost"])
