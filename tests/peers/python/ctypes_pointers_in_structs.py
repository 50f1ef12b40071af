import ctypes
class Node(ctypes.Structure): pass
Node._fields_ = [("value", ctypes.c_int), ("next", ctypes.c_void_p)]
nodes = (Node * 3)()
for i in range(3):
    nodes[i].value = 10 * i
    nodes[i].next = ctypes.addressof(nodes[i + 1]) if i < 2 else None
p, values = ctypes.cast(nodes, ctypes.POINTER(Node)), []
while p:
    values.append(p.contents.value)
    p = ctypes.cast(p.contents.next, ctypes.POINTER(Node))
print(values)
class Pair(ctypes.Structure):
    _fields_ = [("a", Node), ("b", ctypes.c_int * 2)]
pair = Pair()
pair.a.value = 5
pair.b[1] = 6
copy = Pair.from_buffer_copy(pair)
pair.a.value = 7
print(copy.a.value, pair.a.value, list(copy.b), ctypes.sizeof(Pair), Pair.b.offset)
