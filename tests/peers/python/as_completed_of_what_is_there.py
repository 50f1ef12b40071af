from concurrent.futures import Future, as_completed, TimeoutError
a, b, c = Future(), Future(), Future()
a.set_result("a")
c.cancel()
c.set_running_or_notify_cancel()
got = sorted("cancelled" if f.cancelled() else f.result() for f in as_completed([a, c, a]))
print(got)
print(list(as_completed([])))
it = as_completed([b, a], timeout=0.05)
print(next(it).result())
try:
    next(it)
except TimeoutError:
    print("timeout")
b.set_result("b")
print([f.result() for f in as_completed([b])])
