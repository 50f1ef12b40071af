import concurrent.futures, logging, multiprocessing, os, queue, threading
logging.disable()

state = 0
def random(n):
    global state
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % n

called = []
def result_of(f):
    if f.cancelled(): return "cancelled"
    if f.exception(0) is not None: return "raises"
    return f.result(0)
def wait_for(o):  # which asks first there, and then whether the lock is held
    if not o._is_owned(): raise RuntimeError
    return o.wait_for(lambda: random(2) == 1, 0)
def barrier_index(b): return b.wait(0) + 1
def get_there(o): return o.get() if not o.empty() else "nothing"

LOCK = {"try": lambda o: o.acquire(False), "at once": lambda o: o.acquire(True, 0), "release": lambda o: o.release()}
SEMAPHORE = {**LOCK, "two": lambda o: o.release(2), "none": lambda o: o.release(0)}
QUEUE = {"put": lambda o: o.put(random(100), False) or True, "put at once": lambda o: o.put(random(100), True, 0) or True,
         "put_nowait": lambda o: o.put_nowait(random(100)) or True, "get": lambda o: o.get(False), "get at once": lambda o: o.get(True, 0),
         "get_nowait": lambda o: o.get_nowait(), "qsize": lambda o: o.qsize(), "empty": lambda o: o.empty(), "full": lambda o: o.full(),
         "task_done": lambda o: o.task_done(), "join": lambda o: o.unfinished_tasks > 0 or o.join()}
KINDS = [
    ("Lock", lambda: threading.Lock(), {**LOCK, "locked": lambda o: o.locked(), "both": lambda o: o.acquire(False, 1)}),
    ("RLock", lambda: threading.RLock(), LOCK),
    ("Semaphore", lambda: threading.Semaphore(random(3)), SEMAPHORE),
    ("BoundedSemaphore", lambda: threading.BoundedSemaphore(random(3)), SEMAPHORE),
    ("Event", lambda: threading.Event(), {"set": lambda o: o.set(), "clear": lambda o: o.clear(), "is_set": lambda o: o.is_set(),
                                          "wait": lambda o: o.wait(0)}),
    ("Condition", lambda: threading.Condition(), {**LOCK, "notify": lambda o: o.notify(), "two": lambda o: o.notify(2), "all": lambda o: o.notify_all(),
                                                  "wait": lambda o: o.wait(0), "wait_for": wait_for}),
    ("Barrier", lambda: threading.Barrier(1), {"wait": barrier_index, "abort": lambda o: o.abort(), "reset": lambda o: o.reset(),
                                               "broken": lambda o: o.broken, "n_waiting": lambda o: o.n_waiting, "parties": lambda o: o.parties}),
    ("Queue", lambda: queue.Queue(random(4)), QUEUE),
    ("LifoQueue", lambda: queue.LifoQueue(random(4)), QUEUE),
    ("PriorityQueue", lambda: queue.PriorityQueue(random(4)), QUEUE),
    ("SimpleQueue", lambda: queue.SimpleQueue(), {"put": lambda o: o.put(random(100)) or True, "get": lambda o: o.get(False), "get_nowait": lambda o: o.get_nowait(),
                                                  "qsize": lambda o: o.qsize(), "empty": lambda o: o.empty()}),
    ("Future", lambda: concurrent.futures.Future(), {
        "set_result": lambda o: o.set_result(random(100)), "set_exception": lambda o: o.set_exception(ValueError()), "cancel": lambda o: o.cancel(),
        "cancelled": lambda o: o.cancelled(), "running": lambda o: o.running(), "done": lambda o: o.done(), "result": result_of,
        "set_running": lambda o: o.set_running_or_notify_cancel() if not o.done() and not o.running() else None,
        "callback": lambda o: o.add_done_callback(lambda f: called.append(result_of(f)))}),
    ("Thread", lambda: threading.Thread(target=int), {
        "start": lambda o: o.start() or o.join(), "join": lambda o: o.join(), "daemon": lambda o: setattr(o, "daemon", random(2) == 1),
        "name": lambda o: setattr(o, "name", "x"), "alive": lambda o: o.is_alive(), "ident": lambda o: o.ident is not None}),
    ("shared Lock", lambda: multiprocessing.Lock(), LOCK),
    ("shared RLock", lambda: multiprocessing.RLock(), LOCK),
    ("shared Semaphore", lambda: multiprocessing.Semaphore(random(3)), LOCK),
    ("shared BoundedSemaphore", lambda: multiprocessing.BoundedSemaphore(1 + random(2)), LOCK),
    ("shared Event", lambda: multiprocessing.Event(), {"set": lambda o: o.set(), "clear": lambda o: o.clear(), "is_set": lambda o: o.is_set(),
                                                       "wait": lambda o: o.wait(0)}),
    ("shared SimpleQueue", lambda: multiprocessing.SimpleQueue(), {"put": lambda o: o.put(random(100)) or True, "get": get_there, "empty": lambda o: o.empty()}),
]
NAMES = {id(k[2]): sorted(k[2]) for k in KINDS}

for seed in range(1, 61):
    state = seed + int(os.environ.get("TEST_RANDOM_SEED", "0")) * 1000
    kind, make, operations = KINDS[random(len(KINDS))]
    o = make()
    for step in range(60):
        names = NAMES[id(operations)]
        name = names[random(len(names))]
        try:
            got = operations[name](o)
            if isinstance(got, bool) or got is not None: print(seed, step, kind, name, got)
            else: print(seed, step, kind, name)
        except queue.Empty: print(seed, step, kind, name, "empty")
        except queue.Full: print(seed, step, kind, name, "full")
        except threading.BrokenBarrierError: print(seed, step, kind, name, "broken")
        except concurrent.futures.TimeoutError: print(seed, step, kind, name, "timeout")
        except (RuntimeError, ValueError, AssertionError, AttributeError, concurrent.futures.InvalidStateError): print(seed, step, kind, name, "raises")
        while called: print("  called", called.pop(0))
