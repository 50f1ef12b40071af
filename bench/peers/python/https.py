"""A server of https with a thread for each connection: small requests a second on connections that are kept, and a download.
usage: https.py [CONNECTIONS] [SECONDS] [MEBIBYTES]"""
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
from common import args, emit

connections, seconds, mebibytes = args(50, 2.0, 64)
here = os.path.dirname(os.path.abspath(__file__))
with tempfile.TemporaryDirectory() as d:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    d + "/key.pem", "-out", d + "/cert.pem", "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(d + "/cert.pem", d + "/key.pem")
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1024)
large = b"x" * (1 << 20)


def serve(c):
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        s = context.wrap_socket(c, server_side=True)
        f = s.makefile("rb")
        for line in f:
            while f.readline() not in (b"\r\n", b""):
                pass
            if b"/large" in line:
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(large) * mebibytes))
                for _ in range(mebibytes):
                    s.sendall(large)
            else:
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n")
        s.close()
    except OSError:
        c.close()


def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
port = listener.getsockname()[1]
text = subprocess.run(["wrk", "-t1", "-c%d" % connections, "-d%gs" % seconds, "https://127.0.0.1:%d/" % port],
                      stdout=subprocess.PIPE, check=True, text=True).stdout
rate = float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])
took = float(subprocess.run(["python3", here + "/https_client.py", str(port)], stdout=subprocess.PIPE, check=True, text=True).stdout)
emit("https", int(rate * seconds), seconds, requests_per_s=rate, download_seconds=took)
os._exit(0)
