import ctypes
libc = ctypes.CDLL("libc.so.6")
class Div(ctypes.Structure):
    _fields_ = [("quot", ctypes.c_int), ("rem", ctypes.c_int)]
libc.div.restype = Div
d = libc.div(17, 5)
print(d.quot, d.rem)
class LDiv(ctypes.Structure):
    _fields_ = [("quot", ctypes.c_long), ("rem", ctypes.c_long)]
libc.ldiv.restype, libc.ldiv.argtypes = LDiv, [ctypes.c_long, ctypes.c_long]
d = libc.ldiv(-(2**40), 7)
print(d.quot, d.rem)
