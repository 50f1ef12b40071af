import ctypes
class U(ctypes.Union):
    _fields_ = [("i", ctypes.c_uint32), ("b", ctypes.c_uint8 * 4), ("f", ctypes.c_float)]
u = U()
u.i = 0x01020304
print(list(u.b), ctypes.sizeof(U))
u.f = 1.0
print(hex(u.i))
a = (ctypes.c_int * 2)(1, 256)
p = ctypes.cast(a, ctypes.POINTER(ctypes.c_uint8))
print(p[0], p[4], p[5])
print(ctypes.sizeof(ctypes.c_char), ctypes.sizeof(ctypes.c_short), ctypes.sizeof(ctypes.c_int), ctypes.sizeof(ctypes.c_longlong),
      ctypes.sizeof(ctypes.c_void_p), ctypes.sizeof(ctypes.c_double), ctypes.sizeof(ctypes.c_longdouble), ctypes.alignment(ctypes.c_int64))
print(ctypes.c_float(0.1).value == 0.1, ctypes.c_double(0.1).value == 0.1)
print(ctypes.c_bool(7).value, ctypes.c_int8(-128).value, ctypes.c_uint16(65535).value)
