import ctypes
libm, libc = ctypes.CDLL("libm.so.6"), ctypes.CDLL("libc.so.6")
Fn = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
address = ctypes.cast(libm.sqrt, ctypes.c_void_p).value
print(Fn(address)(81.0))
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
a = (ctypes.c_int * 5)(1, 3, 5, 7, 9)
libc.bsearch.restype = ctypes.c_void_p
calls = []
def compare(x, y):
    calls.append(1)
    return x[0] - y[0]
for key in 7, 4:
    found = libc.bsearch(ctypes.byref(ctypes.c_int(key)), a, 5, 4, Compare(compare))
    print(found is not None and (found - ctypes.addressof(a)) // 4, len(calls) > 0)
print(ctypes.c_int.in_dll(libc, "optind").value)
