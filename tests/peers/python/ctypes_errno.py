import ctypes, errno
libc = ctypes.CDLL("libc.so.6", use_errno=True)
ctypes.set_errno(0)
print(libc.close(-1), ctypes.get_errno() == errno.EBADF)
print(ctypes.set_errno(5), ctypes.get_errno())
