"""cos(x) through ctypes. usage: ctypes_call.py [N] [release | keep]"""
import ctypes
from common import args, emit, now

n, how = args(1000000, "release")
libm = (ctypes.CDLL if how == "release" else ctypes.PyDLL)("libm.so.6")
cos = libm.cos
cos.restype = ctypes.c_double
cos.argtypes = [ctypes.c_double]


def run():
    t0 = now()
    for _ in range(n):
        cos(0.5)
    return now() - t0


run()
emit("ctypes_call." + how, n, run())
