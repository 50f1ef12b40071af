import ctypes
libc = ctypes.CDLL("libc.so.6")
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
a = (ctypes.c_int * 5)(5, 1, 7, 33, 99)
libc.qsort(a, 5, ctypes.sizeof(ctypes.c_int), Compare(lambda x, y: x[0] - y[0]))
print(list(a))
libc.qsort(a, 5, ctypes.sizeof(ctypes.c_int), Compare(lambda x, y: y[0] - x[0]))
print(list(a))
