"""Downloads /large over https; prints the seconds from the request to the last byte.
usage: https_client.py PORT"""
import socket
import ssl
import sys
import time

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
buffer = bytearray(1 << 18)
begun = time.perf_counter()
s.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
head = b""
while b"\r\n\r\n" not in head:
    head += s.recv(1 << 14)
head, rest = head.split(b"\r\n\r\n", 1)
left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) - len(rest)
while left > 0:
    n = s.recv_into(buffer)
    if n == 0:
        sys.exit("the server ended early")
    left -= n
print(time.perf_counter() - begun)
