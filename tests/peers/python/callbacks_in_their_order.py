from concurrent.futures import Future
import logging
logging.disable()
log = []
f = Future()
f.add_done_callback(lambda f: log.append("first"))
def fails(f): raise ValueError
f.add_done_callback(fails)
f.add_done_callback(lambda f: log.append(f.result()))
f.add_done_callback(lambda g: log.append(g is f))
f.set_result("result")
while len(log) < 3: pass
print(log)
f.add_done_callback(lambda f: log.append("at once"))
print(log[-1])
g = Future()
g.add_done_callback(lambda g: log.append(g.cancelled()))
g.cancel()
while len(log) < 5: pass
print(log[-1])
