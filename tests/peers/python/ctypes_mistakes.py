import ctypes
libc, libm = ctypes.CDLL("libc.so.6"), ctypes.CDLL("libm.so.6")
libm.pow.restype, libm.pow.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_double]
print(libm.pow(2, 10))
for args in (2,), ("2", 10), (None, 1):
    try:
        libm.pow(*args)
    except (TypeError, ctypes.ArgumentError):
        print("refused")
class P(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int)]
p = P()
try:
    p.y
except AttributeError:
    print("no such field")
try:
    p.x = "text"
except TypeError:
    print("no number")
a = (ctypes.c_int * 2)()
for i in 2, 100:
    try:
        a[i] = 1
    except IndexError:
        print("outside")
try:
    ctypes.POINTER(ctypes.c_int)().contents
except ValueError:
    print("NULL")
