import ctypes
libc = ctypes.CDLL("libc.so.6")
libc.strchr.restype, libc.strchr.argtypes = ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_char]
print(libc.strchr(b"abcdef", b"d").decode(), libc.strchr(b"abcdef", b"x"))
buffer = ctypes.create_string_buffer(b"text")
print(ctypes.sizeof(buffer), buffer.value.decode(), len(buffer.raw))
ctypes.memmove(buffer, b"next", 4)
print(buffer.value.decode(), ctypes.string_at(buffer).decode(), ctypes.string_at(buffer, 2).decode())
buffer = ctypes.create_string_buffer(10)
print(len(buffer), buffer.value.decode() == "")
libc.strlen.restype = ctypes.c_size_t
print(libc.strlen(b"") , libc.strlen(b"four"))
libc.strdup.restype = ctypes.c_void_p
p = libc.strdup(b"copied")
print(ctypes.string_at(p).decode())
libc.free.argtypes = [ctypes.c_void_p]
libc.free(p)
