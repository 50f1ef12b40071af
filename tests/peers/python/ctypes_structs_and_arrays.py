import ctypes
class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]
class Mixed(ctypes.Structure):
    _fields_ = [("c", ctypes.c_char), ("i", ctypes.c_int), ("s", ctypes.c_short), ("p", Point)]
print(ctypes.sizeof(Point), ctypes.sizeof(Mixed), Mixed.i.offset, Mixed.p.offset)
p = Point(1.5, 2)
print(p.x, p.y)
p.x = 7
print(p.x)
a = (ctypes.c_int * 4)(1, 2, 3)
print(list(a), len(a), ctypes.sizeof(a))
a[3] = 9
print(a[3])
try:
    a[4]
except IndexError:
    print("outside")
m = Mixed()
m.p.x = 2.5
print(m.p.x, m.i)
print(ctypes.c_uint8(300).value, ctypes.c_int(2**31).value)
