import ctypes, ctypes.util
libc = ctypes.CDLL("libc.so.6")
libm = ctypes.CDLL("libm.so.6")
libm.cos.restype = ctypes.c_double
libm.cos.argtypes = [ctypes.c_double]
print(libm.cos(0.0), libm.cos(1))
libc.strlen.restype = ctypes.c_size_t
libc.strlen.argtypes = [ctypes.c_char_p]
print(libc.strlen(b"four"))
libc.getenv.restype = ctypes.c_char_p
print(libc.getenv(b"NO_SUCH_VARIABLE"))
libc.abs.argtypes = [ctypes.c_int]
print(libc.abs(-5))
try:
    libm.cos("x")
except ctypes.ArgumentError:
    print("wrong type")
try:
    libc.no_such_function
except AttributeError:
    print("no such function")
try:
    ctypes.CDLL("libnothing.so")
except OSError:
    print("no such library")
libc.toupper.argtypes = [ctypes.c_int]
print(chr(libc.toupper(ord("a"))))
