"""What bench/run measures: the rows of results.md, each with its bar. Later work adds rows here.

A contender is a command; {gilua}, {lua}, {py}, {rb}, {base}, {bare}, {seeing} stand for the programs, {old} for an older gilua
(bench/run --old), {b} for this folder. A bar is (text, function of the contenders' medians by name that says whether it is reached); `ratio` is what the table shows beside it.
"""

LUA_CASES = {"fib": 30, "loop": 15000000, "tables": 300000, "strings": 100000, "sort": 100000, "trees": 120,
             "coro": 1000000, "ccall": 3000000, "methods": 5000000}

INSTRUCTION_CASES = {"fib": "10 22", "loop": "1000 1000000", "tables": "100 10000", "strings": "100 5000",
                     "sort": "100 3000", "trees": "1 8", "coro": "100 50000", "ccall": "100 100000",
                     "methods": "100 150000"}

GILUA, LUA, PY, RB = "{gilua} {b}/gilua/", "{lua} {b}/lua/", "{py} {b}/peers/python/", "{rb} {b}/peers/ruby/"


class Row:
    """One line of the table: who runs what, which member of the JSON counts, and the bar."""

    def __init__(self, name, contenders, bar, reached, ratio, field="per_op_ns", unit="ns", bound=True, reps=None,
                 group="threads and locks"):
        self.name, self.contenders, self.bar, self.reached = name, contenders, bar, reached
        self.ratio, self.field, self.unit, self.bound, self.reps, self.group = ratio, field, unit, bound, reps, group


def peers(script, arguments, ours=None, ruby=True, python_arguments=None):
    c = {"gilua": GILUA + "%s.lua %s" % (script, ours or arguments),
         "CPython": PY + "%s.py %s" % (script, python_arguments or arguments)}
    if ruby:
        c["Ruby"] = RB + "%s.rb %s" % (script, arguments)
    return c


def over(a, b):
    return lambda m: m[a] / m[b] if b in m else m[a]


def rows():
    out = []
    for case, n in LUA_CASES.items():
        out.append(Row("bench/lua/%s alone" % case,
                       {"gilua": "{gilua} {b}/lua/%s.lua %d" % (case, n), "lua5.4": LUA + "%s.lua %d" % (case, n)},
                       "≤ 1.01 × lua5.4", lambda m: m["gilua"] <= 1.01 * m["lua5.4"], over("gilua", "lua5.4"),
                       bound=False, reps=3, group="one thread"))
        out.append(Row("bench/lua/%s beside 100 parked threads" % case,
                       {"gilua": GILUA + "parked.lua 100 {b}/lua/%s.lua %d" % (case, n),
                        "lua5.4": LUA + "%s.lua %d" % (case, n)},
                       "≤ 1.01 × lua5.4", lambda m: m["gilua"] <= 1.01 * m["lua5.4"], over("gilua", "lua5.4"),
                       bound=False, reps=3, group="one thread"))
        out.append(Row("bench/lua/%s: instructions" % case,
                       {name: "{py} {b}/instructions.py %s %s {b}/lua/%s.lua" % (INSTRUCTION_CASES[case], lua, case)
                        for name, lua in (("gilua", "{gilua}"), ("lua5.4", "{lua}"))},
                       "≤ 1.01 × lua5.4", lambda m: m["gilua"] <= 1.01 * m["lua5.4"], over("gilua", "lua5.4"),
                       field="millions", unit="millions", bound=False, reps=2, group="one thread"))
    for what, arguments in (("1 GiB by lines", "lines 1024"), ("1 GiB by blocks of 64 KiB", "blocks 1024"),
                            ("64 MiB by blocks of 512 bytes", "small 64"), ("print of 1 000 000 lines", "print 1000000")):
        out.append(Row("files: " + what, {"gilua": "{gilua} {b}/lua/file_io.lua " + arguments,
                                          "lua5.4": LUA + "file_io.lua " + arguments},
                       "≤ 1.1 × lua5.4", lambda m: m["gilua"] <= 1.1 * m["lua5.4"], over("gilua", "lua5.4"),
                       bound=False, reps=3, group="files"))
    for t in (2, 4, 8):
        out.append(Row("CPU-bound work split over %d threads, over serial" % t, peers("cpu_threads", "20000000 %d" % t),
                       "≤ 1.03", lambda m: m["gilua"] <= 1.03, lambda m: m["gilua"], field="ratio", unit="x"))
    lateness = {"gilua": GILUA + "lateness.lua 1000 1 fair", "gilua, policy interval": GILUA + "lateness.lua 200 1 interval",
                "CPython": PY + "lateness.py 300 1", "Ruby": RB + "lateness.rb 15 1"}
    out.append(Row("wakes every ms beside a spinner: median lateness", lateness, "fair ≤ 100 µs; interval shows 5 ms",
                   lambda m: m["gilua"] <= 100 and 4000 < m["gilua, policy interval"] < 7000, over("gilua", "CPython"),
                   field="p50_us", unit="us"))
    out.append(Row("… p99 lateness", lateness, "fair ≤ 500 µs", lambda m: m["gilua"] <= 500, over("gilua", "CPython"),
                   field="p99_us", unit="us"))
    out.append(Row("… what the spinner keeps of its speed", lateness, "fair ≥ 0.80", lambda m: m["gilua"] >= 0.80,
                   over("gilua", "CPython"), field="spinner_share", unit="x"))
    out.append(Row("leave and retake the lock, nobody waiting", {"gilua": "{base} leave_take 5000000"}, "≤ 25 ns",
                   lambda m: m["gilua"] <= 25, lambda m: m["gilua"] / 25))
    statement = peers("lock_uncontended", "2000000 statement")
    statement["a C method call"] = LUA + "ccall.lua 2000000"
    out.append(Row("hold() and close, uncontended", statement, "≤ 0.5 × CPython's with; ≤ 1.5 × two C method calls",
                   lambda m: m["gilua"] <= 0.5 * m["CPython"] and m["gilua"] <= 3 * m["a C method call"],
                   over("gilua", "CPython")))
    out.append(Row("acquire() and release(), uncontended", peers("lock_uncontended", "2000000 explicit"), "", None,
                   over("gilua", "CPython")))
    for t in (2, 8):
        counter = peers("lock_contended", "600000 %d" % t)
        counter["a lock that does nothing"] = LUA + "counter_floor.lua 600000"
        out.append(Row("SharedCounter under its lock, %d threads" % t, counter,
                       "≤ 0.6 × CPython", lambda m: m["gilua"] <= 0.6 * m["CPython"], over("gilua", "CPython")))
    turns = peers("handoff", "60000 semaphore")
    turns["C semaphores"] = "{base} semaphores 60000"
    out.append(Row("two threads take turns through semaphores", turns, "≥ 8 × faster than CPython; ≤ 4 × C",
                   lambda m: m["gilua"] * 8 <= m["CPython"] and m["gilua"] <= 4 * m["C semaphores"],
                   over("gilua", "CPython")))
    out.append(Row("two threads take turns through locks", peers("handoff", "60000 lock", ruby=False), "", None,
                   over("gilua", "CPython")))
    start = peers("thread_start_join", "3000")
    start["C pthreads"] = "{base} create_join 3000"
    out.append(Row("start and join a thread", start, "≤ 1.3 × pthread_create + pthread_join",
                   lambda m: m["gilua"] <= 1.3 * m["C pthreads"], over("gilua", "C pthreads")))
    for p, label, size in ((1, "unbounded", 0), (1, "at most 100", 100), (4, "unbounded", 0), (4, "at most 100", 100)):
        items = peers("queue_bench", "200000 %d %d %d" % (p, p, size))
        items["a C method call"] = LUA + "ccall.lua 2000000"
        out.append(Row("queue %d × %d, %s: an item put and got" % (p, p, label), items,
                       "≥ 12 × faster than queue.Queue; ≤ Ruby's",
                       lambda m: m["gilua"] * 12 <= m["CPython"] and m["gilua"] <= m["Ruby"], over("gilua", "CPython")))
    out.append(Row("10 000 threads asleep: resident KiB each", peers("thread_memory", "10000"), "works; ≤ 16 KiB",
                   lambda m: m["gilua"] <= 16, over("gilua", "CPython"), field="rss_kb_per_thread", unit="KiB",
                   bound=False, reps=2))
    out.append(Row("recording: a turn of a thread", {"gilua": "{seeing} event 10000"}, "≤ 100 ns",
                   lambda m: m["gilua"] <= 100, lambda m: m["gilua"] / 100, field="event_ns", group="seeing the lock"))
    out.append(Row("recording at some 10 000 switches a second, over none", {"gilua": GILUA + "trace_overhead.lua"},
                   "≤ 1.05", lambda m: m["gilua"] <= 1.05, lambda m: m["gilua"], field="ratio", unit="x",
                   group="seeing the lock"))
    out.append(Row("looking for a deadlock, once a wait for a held RLock", {"gilua": "{seeing} deadlock 1"}, "≤ 1 µs",
                   lambda m: m["gilua"] <= 1000, lambda m: m["gilua"] / 1000, field="check_ns", group="seeing the lock"))
    out.append(Row("a dump of 1 000 threads", {"gilua": GILUA + "dump.lua 1000"}, "≤ 100 ms", lambda m: m["gilua"] <= 100,
                   lambda m: m["gilua"] / 100, field="ms", unit="ms", bound=False, group="seeing the lock"))
    for work, python in (("sha256", True), ("matmul", False), ("count_primes", False)):
        both = {"gilua": GILUA + "native_work.lua %s 2" % work}
        if python:
            both["CPython"] = PY + "native_work.py %s 2" % work
        out.append(Row("native.%s in 2 threads: work done in one thread's time" % work, both, "≥ 1.9",
                       lambda m: m["gilua"] >= 1.9, over("gilua", "CPython") if python else over("gilua", "gilua"),
                       field="ratio", unit="x", bound=False, reps=3, group="native work"))
    for how, bar in (("release", "≥ 2 × faster than CPython's ctypes"), ("keep", "≥ 2 × faster than CPython's ctypes")):
        out.append(Row("ctypes: cos(x), the lock is %s" % ("left" if how == "release" else "kept"),
                       {"gilua": GILUA + "ctypes_call.lua 3000000 " + how, "CPython": PY + "ctypes_call.py 1000000 " + how},
                       bar, lambda m: m["gilua"] * 2 <= m["CPython"], over("gilua", "CPython"), bound=False, reps=3,
                       group="native work"))
    for case, n, bar, limit in (("blocking", 5000000, "≤ 25 ns", 25), ("native_blocking", 5000000, "≤ 35 ns", 35),
                                ("enter_leave", 5000000, "≤ 100 ns", 100)):
        out.append(Row({"blocking": "a region of native work, inside", "native_blocking": "GILUA_BLOCKING in a module",
                        "enter_leave": "gilua_enter and gilua_leave of a known thread"}[case],
                       {"gilua": "{embed} %s %d" % (case, n)}, bar, lambda m, limit=limit: m["gilua"] <= limit,
                       lambda m, limit=limit: m["gilua"] / limit, group="embedding"))
    out.append(Row("gilua_open and gilua_close", {"gilua": "{embed} open_close 300", "Lua": "{embed} lua_open_close 300"},
                   "≤ 1.5 × luaL_newstate … lua_close + 100 µs", lambda m: m["gilua"] <= 1.5 * m["Lua"] + 100000,
                   over("gilua", "Lua"), group="embedding"))
    out.append(Row("4 runtimes, CPU-bound, one after the other over side by side",
                   {"gilua": "{embed} runtimes 4", "plain Lua states": "{embed} lua_states 4"}, "≥ 1.9 on 2 processors", lambda m: m["gilua"] >= 1.9,
                   over("gilua", "plain Lua states"), field="ratio", unit="x", bound=False, group="embedding"))
    out += request_rows() + executor_rows() + pickle_rows() + pool_rows() + gearman_rows() + schedule_rows() + older_rows()
    return out


def request_rows():
    """A thread that echoes requests of another process, alone and beside one that computes."""
    out = []
    for mode in ("fifo", "tcp", "udp"):
        def row(what, arguments, bar, reached, field, mode=mode, unit="us", limit=()):
            both = {who: "env BENCH_CLIENT={client} " + run + "io_convoy.%s 20000 %s %s" % (suffix, mode, arguments)
                    for who, run, suffix in (("gilua", GILUA, "lua"), ("CPython", PY, "py"))}
            return Row("a request over %s, %s" % (mode, what), {**both, **dict(limit)}, bar, reached, over("gilua", "CPython"),
                       field=field, unit=unit, group="requests of another process")
        alone = {"a C thread": "env BENCH_CLIENT={client} {echo} %s 20000 2 0" % mode}
        out += [row("one after the other: mean", "0 2 0", "≤ 0.95 × CPython's time",
                    lambda m: m["gilua"] <= 0.95 * m["CPython"], "mean_us", limit=alone),
                row("every 500 µs: median", "0 2 500", "", None, "p50_us"),
                row("one after the other, beside a spinner: mean", "1 2 0", "≥ 10 × CPython's requests/s",
                    lambda m: m["gilua"] * 10 <= m["CPython"], "mean_us"),
                row("every 500 µs, beside a spinner: median", "1 2 500", "≤ 1/50 of CPython's",
                    lambda m: m["gilua"] * 50 <= m["CPython"], "p50_us"),
                row("every 500 µs, beside a spinner: p99", "1 2 500", "≤ 500 µs", lambda m: m["gilua"] <= 500, "p99_us"),
                row("every 500 µs: what the spinner keeps of its speed", "1 2 500", "its fair share: ≥ 0.5",
                    lambda m: m["gilua"] >= 0.5, "spinner_share", unit="x")]
    return out + connection_rows()


def connection_rows():
    """A server with a thread for each connection, most of which say nothing."""
    both = {who: "env BENCH_CLIENT={connections} " + run + "connections.%s 1000 50 2" % suffix
            for who, run, suffix in (("gilua", GILUA, "lua"), ("CPython", PY, "py"))}
    limit = {"C threads": "env BENCH_CLIENT={connections} {server} 1000 50 2"}
    return [Row("1 000 idle connections, 50 busy ones: requests a second", {**both, **limit}, "≥ 1.15 × CPython's, 0.92 × C's",
                lambda m: m["gilua"] >= 1.15 * m["CPython"] and m["gilua"] >= 0.92 * m["C threads"], over("gilua", "CPython"),
                field="requests_per_s", unit="1/s", group="requests of another process"),
            Row("… requests lost", both, "none", lambda m: m["gilua"] == 0, lambda m: m["gilua"], field="lost", unit="1",
                group="requests of another process")] + https_rows()


def https_rows():
    """LuaSec over gilua.socket, and CPython's ssl; a thread for each connection."""
    both = {who: run + "https.%s 50 2 64" % suffix for who, run, suffix in (("gilua", GILUA, "lua"), ("CPython", PY, "py"))}
    return [Row("https, 50 connections that are kept: small requests a second", both, "≥ 1.3 × CPython's",
                lambda m: m["gilua"] >= 1.3 * m["CPython"], over("gilua", "CPython"), field="requests_per_s", unit="1/s",
                bound=False, group="requests of another process"),
            Row("https, a download of 64 MiB", both, "≥ 0.95 × CPython's speed",
                lambda m: 0.95 * m["gilua"] <= m["CPython"], over("gilua", "CPython"), field="download_seconds", unit="s",
                bound=False, group="requests of another process")]


def executor_rows():
    """Tasks that do nothing, on threads."""
    out = []
    for mode, label, n in (("flight", "in flight", 100000), ("single", "one at a time", 20000), ("map", "by map", 100000)):
        out.append(Row("ThreadPoolExecutor, 4 workers, trivial tasks %s: submit and result" % label,
                       peers("executor", "%d 4 %s" % (n, mode), ruby=False, python_arguments="20000 4 %s" % mode),
                       "≥ 5 × faster than CPython", lambda m: m["gilua"] * 5 <= m["CPython"], over("gilua", "CPython"),
                       group="futures"))
    return out


def pool_rows():
    """A trivial function through two worker processes, beside CPython's executor and Pool."""
    flight = peers("pool_submit", "20000 submit_inflight", ruby=False)
    flight["Pool.imap_unordered"] = PY + "pool_submit.py 20000 imap_unordered_chunk1"
    single = peers("pool_submit", "5000 submit_roundtrip", ruby=False)
    return [Row("process pool: a task, many in flight", flight,
                "≥ 40 × faster than ProcessPoolExecutor; ≥ 7 × than imap_unordered",
                lambda m: m["gilua"] * 40 <= m["CPython"] and m["gilua"] * 7 <= m["Pool.imap_unordered"],
                over("gilua", "CPython"), group="process pool"),
            Row("process pool: a task, one at a time", single, "≥ 10 × faster than CPython",
                lambda m: m["gilua"] * 10 <= m["CPython"], over("gilua", "CPython"), group="process pool"),
            Row("… the median round trip", single, "≤ 15 µs", lambda m: m["gilua"] <= 15, lambda m: m["gilua"] / 15,
                field="p50_us", unit="us", bound=False, group="process pool")] + pool_map_rows() + pool_whole_rows() + shared_rows()


def pool_map_rows():
    """map with automatic chunks, an item; CPython's with chunks of 100."""
    out = []
    for mode, label in (("map", "futures: map"), ("pool_map", "multiprocessing: Pool.map")):
        out.append(Row("process pool: %s of 100 000 items, an item" % label,
                       {"gilua": GILUA + "pool_submit.lua 100000 " + mode,
                        "Pool.map(chunksize=100)": PY + "pool_submit.py 100000 pool_map_chunk100"},
                       "≤ CPython's Pool.map(chunksize=100)", lambda m: m["gilua"] <= m["Pool.map(chunksize=100)"],
                       over("gilua", "Pool.map(chunksize=100)"), bound=False, group="process pool"))
    return out


def shared_rows():
    """What processes share, beside CPython's multiprocessing."""
    out = []

    def row(name, mode, times, n, python_n=None, python_mode=None, beside=None):
        c = {"gilua": GILUA + "shared.lua %s %d" % (mode, n),
             "CPython": PY + "shared.py %s %d" % (python_mode or mode, python_n or n)}
        c.update(beside or {})
        out.append(Row("shared: " + name, c, "≥ %d × faster than CPython" % times,
                       lambda m: m["gilua"] * times <= m["CPython"], over("gilua", "CPython"), reps=3,
                       group="what processes share"))
    semaphores = {"C semaphores": "{base} processes 20000"}
    row("Queue, 1 producer, 1 consumer, an item", "queue", 20, 400000, 40000)
    row("SimpleQueue, the same", "simple", 5, 400000, 40000)
    row("Queue, 4 producers, 4 consumers, an item", "queue4x4", 10, 400000, 40000)
    row("a round trip over two SimpleQueues", "roundtrip", 5, 20000, 10000, beside=semaphores)
    row("a round trip over a Pipe", "pipe", 5, 20000, 10000, beside=semaphores)
    row("an item of 16 MiB", "large", 2, 20, 10)
    row("Lock, uncontended, acquire and release", "lock", 3, 2000000, 500000,
        beside={"a C method call": LUA + "ccall.lua 2000000"})
    row("Lock, contended by 4 processes, the same", "lock4", 2, 400000, 100000)
    return out


def pool_whole_rows():
    """Large values, whole pools, schedules, memory."""
    def row(name, script, arguments, bar, reached, field, unit, python_arguments=None):
        return Row("process pool: " + name, peers(script, arguments, ruby=False, python_arguments=python_arguments), bar, reached, over("gilua", "CPython"),
                   field=field, unit=unit, bound=False, reps=3, group="process pool")

    def faster(times):
        return lambda m: m["gilua"] >= times * m["CPython"]

    return [row("16 MiB there and back", "pool_payload", "10 string", "≥ 4 × CPython", faster(4), "mb_per_s", "MB/s"),
            row("100 000 records there and back", "pool_payload", "5 records", "≥ 3 × CPython", faster(3), "mb_per_s",
                "MB/s"),
            row("100 000 records with names there and back", "pool_payload", "5 records_keyed", "≥ 3 × CPython", faster(3),
                "mb_per_s", "MB/s"),
            row("of 8 workers made, one task, closed", "pool_startup", "20 8", "≥ 3 × faster than CPython",
                lambda m: m["gilua"] * 3 <= m["CPython"], "ms_each", "ms"),
            row("8 CPU-bound tasks in 2 workers, over serial", "pool_cpu", "34 8 2", "≥ 1.95 on 2 processors",
                lambda m: m["gilua"] >= 1.95, "speedup", "x", python_arguments="31 8 2"),
            row("tasks of 1 to 100 ms, over the ideal schedule", "pool_uneven", "60 2", "≤ 1.1",
                lambda m: m["gilua"] <= 1.1, "ratio", "x"),
            row("an idle worker's own memory, parent of 200 MiB", "pool_memory", "idle", "≤ 1 MiB",
                lambda m: m["gilua"] <= 1024, "kib", "KiB"),
            row("a busy worker's own memory, parent of 200 MiB", "pool_memory", "busy", "≤ 100 MiB",
                lambda m: m["gilua"] <= 102400, "kib", "KiB")]


def gearman_rows():
    """Tasks by way of a job server on 127.0.0.1 and two workers, beside a bare client and workers of libgearman."""
    out = []

    def row(name, mode, n, bar, most, unit="ns", reps=5):
        out.append(Row("job server: " + name, {"gilua": GILUA + "gearman.lua %s %d" % (mode, n),
                                               "libgearman": "{gearman_bare} %s %d" % (mode, n)}, bar,
                       lambda m: m["gilua"] <= most * m["libgearman"], over("gilua", "libgearman"), unit=unit, bound=False,
                       reps=reps, group="job servers"))
    row("a task, 64 in flight", "many", 30000, "≥ 0.8 × libgearman's rate", 1.25)
    row("a task, one at a time", "one", 3000, "≥ 0.8 × libgearman's rate", 1.25)
    row("16 MiB there and back", "large", 10, "≤ 1.2 × libgearman's time", 1.2)
    return out


def schedule_rows():
    """Orders of threads that are chosen: a search's runs in their processes, and the count hook of a seeded run."""
    out = [Row("1 000 schedules of the unlocked counter", {"gilua": GILUA + "schedules.lua explore 1000 {b}/../tests/explore/bugs/counter.lua"},
               "≤ 1 s", lambda m: m["gilua"] <= 1, lambda m: m["gilua"], field="seconds", unit="s", bound=False,
               group="schedules")]
    for case, n in (("fib", 30), ("loop", 15000000), ("tables", 300000)):
        out.append(Row("bench/lua/%s under --seed, processor time over that without" % case,
                       {"gilua": GILUA + "schedules.lua seeded {b}/lua/%s.lua %d" % (case, n)}, "≤ 3",
                       lambda m: m["gilua"] <= 3, lambda m: m["gilua"], field="ratio", unit="x", bound=False, reps=3,
                       group="schedules"))
    return out


def older_rows():
    """This build beside an older one, whole commands of Lua: what a change must not cost, and what it was to gain."""
    out = []

    def row(name, script, bar, least, field="per_op_ns", unit="ns", more=False, bound=False):
        """least: how many times as fast as the older build."""
        speed = (lambda m: m["gilua"] / m["old"]) if more else (lambda m: m["old"] / m["gilua"])
        out.append(Row("beside the older build: " + name, {"gilua": GILUA + script, "old": "{old} {b}/gilua/" + script}, bar,
                       lambda m: speed(m) >= least, lambda m: m["gilua"] / m["old"], field=field, unit=unit, bound=bound,
                       reps=7, group="beside the older build"))

    for case in ("fib", "loop"):
        out.append(Row("beside the older build: bench/lua/%s: instructions" % case,
                       {name: "{py} {b}/instructions.py %s %s {b}/lua/%s.lua" % (INSTRUCTION_CASES[case], lua, case)
                        for name, lua in (("gilua", "{gilua}"), ("old", "{old}"))}, "not slower (≤ 1.01 ×)",
                       lambda m: m["gilua"] <= 1.01 * m["old"], over("gilua", "old"), field="millions", unit="millions",
                       bound=False, reps=2, group="beside the older build"))
    # "Not slower" allows for what two runs of one build differ by.
    row("a process pool's task, many in flight", "pool_submit.lua 20000 submit_inflight", "not slower (≤ 1.05 ×)", 0.95)
    row("a process pool's task, one at a time", "pool_submit.lua 5000 submit_roundtrip", "not slower (≤ 1.05 ×)", 0.95)
    for kind in ("records", "records_keyed", "ints"):
        for op in ("dumps", "loads"):
            row("pickle.%s, 100 000 %s" % (op, kind), "pickle_bench.lua 100000 %s %s" % (kind, op), "not slower (≤ 1.05 ×)", 0.95)
    row("pool of 8 made, one task, closed", "pool_startup.lua 20 8", "≤ 1.05 ×", 0.95, "ms_each", "ms")
    row("100 000 records there and back", "pool_payload.lua 5 records", "≥ 1.3 × the speed", 1.3, "mb_per_s", "MB/s", True)
    row("16 MiB there and back", "pool_payload.lua 10 string", "≥ 1.5 × the speed", 1.5, "mb_per_s", "MB/s", True)
    row("hold() and close, uncontended", "lock_uncontended.lua 2000000 statement", "not slower (≤ 1.05 ×)", 0.95)
    row("start and join a thread", "thread_start_join.lua 5000", "not slower (≤ 1.05 ×)", 0.95, bound=True)
    row("wakes every ms beside a spinner: median lateness", "lateness.lua 1000 1 fair", "not worse (≤ 1.1 ×)", 0.91, "p50_us",
        "us", bound=True)
    out.append(Row("8 echo pairs beside a spinner: round trips over 2 ms",
                   {"gilua": GILUA + "echo_pairs.lua 800 8 1", "old": "{old} {b}/gilua/echo_pairs.lua 800 8 1"}, "≤ 1 %",
                   lambda m: m["gilua"] <= 1, lambda m: m["gilua"] / m["old"], field="over_2ms_percent", unit="%", bound=False,
                   reps=7, group="beside the older build"))
    row("8 echo pairs beside a spinner: median round trip", "echo_pairs.lua 800 8 1", "not worse (≤ 1.1 ×)", 0.91, "p50_us", "us")
    return out


def pickle_rows():
    """The codec beside CPython's pickle (protocol 5), and beside the same tables walked or built through Lua's C API."""
    out = []
    bars = {("records", "dumps"): (2, 2), ("records", "loads"): (1, 2), ("records_keyed", "dumps"): (2, 2),
            ("records_keyed", "loads"): (1, 2), ("ints", "dumps"): (0.9, None), ("ints", "loads"): (1.5, None)}
    for (kind, op), (faster, bare) in bars.items():
        n = 1000000 if kind == "ints" else 100000
        c = peers("pickle_bench", "%d %s %s" % (n, kind, op), ruby=False)
        c["C API alone"] = "{bare} %d %s %s" % (n, kind, "walk" if op == "dumps" else "build")
        out.append(Row("pickle.%s, %d %s" % (op, n, kind), c,
                       "≥ %g × as fast as CPython" % faster + ("; ≤ %g × the C API alone" % bare if bare else ""),
                       lambda m, faster=faster, bare=bare: m["gilua"] * faster <= m["CPython"]
                       and (bare is None or m["gilua"] <= bare * m["C API alone"]),
                       over("gilua", "CPython"), bound=False, reps=3, group="pickle"))
    return out
