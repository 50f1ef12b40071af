import ctypes
libc = ctypes.CDLL("libc.so.6")
buffer = ctypes.create_string_buffer(64)
n = libc.snprintf(buffer, 64, b"%d %s %.2f", 5, b"text", ctypes.c_double(1.5))
print(n, buffer.value.decode())
n = libc.snprintf(buffer, 4, b"%s", b"too long")
print(n, buffer.value.decode())
n = libc.snprintf(buffer, 64, b"%%")
print(n, buffer.value.decode())
