from concurrent.futures import Future, InvalidStateError
f = Future()
print(f.done(), f.running(), f.cancelled())
print(f.set_running_or_notify_cancel(), f.running(), f.cancel())
f.set_result(7)
print(f.done(), f.running(), f.result(), f.exception())
try:
    f.set_result(8)
except InvalidStateError:
    print("decided")
g = Future()
g.set_exception(ValueError("wrong"))
print(g.done(), g.exception())
try:
    g.result()
except ValueError as e:
    print("raised", e)
h = Future()
print(h.cancel(), h.cancelled(), h.done(), h.set_running_or_notify_cancel())
try:
    h.set_result(1)
except InvalidStateError:
    print("cancelled")
