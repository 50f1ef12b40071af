import ctypes
libm, libc = ctypes.CDLL("libm.so.6"), ctypes.CDLL("libc.so.6")
libm.frexp.restype, libm.frexp.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.POINTER(ctypes.c_int)]
e = ctypes.c_int()
print(libm.frexp(48.0, ctypes.byref(e)), e.value)
libm.modf.restype, libm.modf.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.POINTER(ctypes.c_double)]
whole = ctypes.c_double()
print(libm.modf(3.25, ctypes.byref(whole)), whole.value)
libc.strtol.restype = ctypes.c_long
end = ctypes.c_char_p()
text = ctypes.create_string_buffer(b"42 apples")
print(libc.strtol(text, ctypes.byref(end), 10), end.value.decode())
