-- For each module: short programs that use everything it has, each with nothing but that module. m is the module.
-- The key says which names a program is for: "name" of the module's, "Type:name" of an object's methods and fields.
local snippets = {}

snippets["gilua"] = {
  ["_VERSION"] = [[assert(type(m._VERSION) == "string")]],
  ["Error is_error"] = [[
    local ok, e = pcall(m.futures.Future().result, m.futures.Future(), 0)
    assert(not ok and m.is_error(e, "timeout") and getmetatable(e) == m.Error and tostring(e):find "^timeout")]],
  ["traceback_of"] = [[
    local pool <close> = m.futures.ThreadPoolExecutor{ max_workers = 1 }
    local e = pool:submit(error, {}):exception()
    assert(m.traceback_of(e) and m.traceback_of({}) == nil)]],
}

snippets["gilua.threading"] = {
  ["Lock Lock:acquire Lock:release Lock:locked Lock:hold Lock:with"] = [[
    local lock = m.Lock()
    assert(lock:acquire() and lock:locked() and not lock:acquire(false))
    lock:release()
    do local _ <close> = lock:hold() end
    assert(lock:with(function(x) return x end, 5) == 5 and not lock:locked())]],
  ["RLock RLock:acquire RLock:release RLock:locked RLock:hold RLock:with RLock:held"] = [[
    local lock = m.RLock()
    assert(lock:acquire() and lock:acquire() and lock:locked() and lock:held())
    lock:release() lock:release()
    do local _ <close> = lock:hold() end
    assert(lock:with(function(x) return x end, 5) == 5)
    assert(not pcall(lock.release, lock))]],
  ["Condition Condition:wait Condition:wait_for Condition:notify Condition:notify_all"] = [[
    local c = m.Condition()
    local go = false
    local t = m.start(function() local _ <close> = c:hold() go = true c:notify() c:notify_all() end)
    local _ <close> = c:hold()
    assert(c:wait_for(function() return go end) == true and c:wait(0) == false)]],
  ["Condition:acquire Condition:release Condition:locked Condition:hold Condition:with"] = [[
    local c = m.Condition(m.Lock())
    assert(c:acquire() and c:locked())
    c:release()
    do local _ <close> = c:hold() end
    assert(c:with(function() return 1 end) == 1)]],
  ["Event Event:set Event:clear Event:is_set Event:wait"] = [[
    local e = m.Event()
    m.start(function() e:set() end)
    assert(e:wait() and e:is_set())
    e:clear()
    assert(not e:wait(0))]],
  ["Semaphore BoundedSemaphore Semaphore:acquire Semaphore:release Semaphore:hold Semaphore:with"] = [[
    for _, new in ipairs{ m.Semaphore, m.BoundedSemaphore } do
      local s = new(1)
      assert(s:acquire() and not s:acquire(true, 0))
      s:release()
      do local _ <close> = s:hold() end
      assert(s:with(function() return 7 end) == 7)
    end]],
  ["Barrier Barrier:wait Barrier:reset Barrier:abort Barrier:parties Barrier:n_waiting Barrier:broken"] = [[
    local b = m.Barrier(2)
    m.start(function() b:wait() end)
    assert(b:wait() and b.parties == 2 and b.n_waiting == 0 and not b.broken)
    b:reset() b:abort()
    assert(b.broken and select(2, b:wait()) == "broken")]],
  ["Thread Thread:start Thread:is_alive Thread:join Thread:result Thread:name Thread:ident Thread:native_id Thread:daemon"] = [[
    local t = m.Thread{ target = function(...) return ... end, args = { 1, 2 }, name = "n", daemon = true }
    assert(t.name == "n" and t.daemon and not t.ident and not t:is_alive())
    assert(t:start() == t and select(2, t:result()) == 2 and t:join() and t.ident and t.native_id and tostring(t):find "n")]],
  ["start Thread:cancel Thread:waits_for"] = [[
    local t = m.start(function() m.Event():wait() end)
    while not t.waits_for do end
    t:cancel "enough"
    local ok, e = pcall(t.result, t)
    assert(not ok and e.kind == "cancelled" and tostring(e):find "enough")]],
  ["excepthook"] = [[
    local got
    m.excepthook = function(thread, e) got = e end
    m.start(error, "x"):join()
    assert(got == "x")]],
  ["current_thread main_thread enumerate active_count get_ident get_native_id"] = [[
    local t = m.current_thread()
    assert(t.ident == m.get_ident() and t.native_id == m.get_native_id() and m.main_thread().ident)
    assert(#m.enumerate() == m.active_count())]],
  ["current_thread of an object"] = [[assert(m.main_thread():is_alive() and m.enumerate()[1].name)]],
  ["stack_size TIMEOUT_MAX"] = [[
    local old = m.stack_size(1 << 21)
    assert(m.stack_size() == 1 << 21 and m.stack_size(old) and m.TIMEOUT_MAX > 1e6)]],
  ["Local"] = [[
    local l = m.Local()
    l.x = 1
    assert(m.start(function() l.x = l.x or 2 return l.x end):result() == 2 and l.x == 1)]],
  ["Timer"] = [[
    local got
    local t = m.Timer(0, function(x) got = x end, { 3 })
    t:start() t:join()
    assert(got == 3)
    local off = m.Timer(60, error)
    off:start() off:cancel() off:join()]],
}

local queue = [[
    local q = m.%s(1)
    assert(q:put(1) and q:full() and not q:empty() and q:qsize() == 1)
    assert(select(2, q:put_nowait(2)) == "full" and select(2, q:put(2, true, 0.001)) == "timeout")
    assert(q:get() == 1 and select(2, q:get_nowait()) == "empty")
    q:task_done()
    assert(q:join())
    q:put(5)
    q:shutdown()
    for x in q:items() do assert(x == 5) end]]
local names = "put get put_nowait get_nowait qsize empty full task_done join shutdown items"

snippets["gilua.queue"] = {
  ["SimpleQueue"] = [[local q = m.SimpleQueue() q:put(1) assert(q:get() == 1 and q:empty() and q:qsize() == 0)]],
  ["PriorityQueue with less"] = [[
    local q = m.PriorityQueue(0, function(a, b) return a > b end)
    q:put(1) q:put(3) q:put(2)
    assert(q:get() == 3 and q:get() == 2)]],
}
for _, kind in ipairs { "Queue", "LifoQueue", "PriorityQueue" } do
  local key = kind .. " " .. names:gsub("%a+[_%a]*", (kind:gsub("Lifo", "")) .. ":%0")
  snippets["gilua.queue"][key] = queue:format(kind)
end

snippets["gilua.time"] = {
  ["sleep"] = [[m.sleep(0.001) assert(not pcall(m.sleep, -1))]],
  ["time monotonic perf_counter"] = [[assert(m.time() > 1e9 and m.monotonic() > 0 and m.perf_counter() > 0)]],
  ["time_ns monotonic_ns perf_counter_ns"] = [[
    for _, f in ipairs{ m.time_ns, m.monotonic_ns, m.perf_counter_ns } do assert(math.type(f()) == "integer") end]],
}

snippets["gilua.gil"] = {
  ["stats"] = [[assert(m.stats().threads[1].acquisitions)]],
  ["policy switch_interval"] = [[
    assert(m.policy(m.policy()) and m.switch_interval(m.switch_interval()) > 0)]],
  ["dump"] = [[local f = assert(io.open("/dev/null", "w")) m.dump(f) f:close()]],
  ["trace"] = [[
    local path = os.tmpname()
    assert(m.trace(path))
    assert(m.trace())
    os.remove(path)]],
  ["on_long_hold"] = [[m.on_long_hold(60, print) m.on_long_hold()]],
}

snippets["gilua.signal"] = {
  ["signal getsignal raise_signal"] = [[
    local got
    local ok, e = pcall(m.signal, "USR1", function(name) got = name end)
    if not ok then
      assert(e:find "main thread") -- where this one is none
      return
    end
    assert(e == "default")
    m.raise_signal "USR1"
    assert(got == "SIGUSR1" and type(m.getsignal "USR1") == "function")
    assert(m.signal("USR1", "default") and not pcall(m.signal, "KILL", print))]],
  ["kill names alarm"] = [[assert(not m.kill(0x7ffffffe, 0) and #m.names() > 0 and m.alarm(0) == 0)]],
  ["wait pause"] = [[assert(m.wait("USR1", 0.01) == nil and m.pause(0.01) == false)]],
}

snippets["gilua.pickle"] = {
  ["dumps loads"] = [[
    local v = m.loads(m.dumps{ 1, nil, "x", { 2.5 } })
    assert(v[3] == "x" and v[4][1] == 2.5)
    assert(m.loads(m.dumps(function() return 9 end), { functions = true })() == 9)]],
  ["errors"] = [[
    local ok, e = pcall(m.dumps, { coroutine.create(print) })
    assert(not ok and e.kind == "pickle" and tostring(e):find "thread")
    ok, e = pcall(m.loads, "no message")
    assert(not ok and e.kind == "pickle" and m.loads(m.dumps(e)).kind == "pickle")]],
}

snippets["gilua.native"] = {
  ["buffer"] = [[
    local b = m.buffer("f64", { 3, 1, 2 })
    b[1] = 5
    assert(#b == 3 and b.type == "f64" and b.itemsize == 8 and b.nbytes == 24 and b == b:copy() and tostring(b))
    b:fill(1, 2, 3) b:assign(1, { 9 }) b:move(1, 1, 2)
    assert(#b:sub(1, 2) == 2 and #b:view(2) == 2 and #b:tostring() == 24 and b:totable()[1] == 9)
    for i, x in pairs(b) do assert(x) end
    local c = m.buffer("u8", 4)
    c:resize(8) c:free()]],
  ["sum dot sort matmul"] = [[
    local b = m.buffer("f64", { 3, 1, 2, 4 })
    assert(m.sum(b) == 10 and m.dot(b, b) == 30 and m.sort(b)[1] == 1 and #m.matmul(b, b, 2) == 4)]],
  ["sha256 crc32 compress decompress"] = [[
    assert(#m.sha256 "x" == 64 and m.crc32 "x" and m.decompress(m.compress "text") == "text")]],
  ["count_primes spin"] = [[assert(m.count_primes(10) == 4) m.spin(0)]],
}

snippets["gilua.ctypes"] = {
  ["load errno strerror"] = [[
    local c = m.load "libc.so.6"
    assert(c:func("abs", "int", { "int" })(-3) == 3 and c:symbol "abs" and c:var("environ", "void*"))
    m.errno(2)
    assert(m.errno() == 2 and #m.strerror(2) > 0 and tostring(c))]],
  ["func callback"] = [[
    local c = m.load "libc.so.6"
    local numbers = m.new("int", { 3, 1, 2 })
    local less = m.callback(function(a, b) return m.cast("int*", a)[1] - m.cast("int*", b)[1] end, "int", { "void*", "void*" })
    c:func("qsort", "void", { "void*", "size_t", "size_t", "void*" })(numbers, 3, 4, less)
    assert(numbers[1] == 1 and numbers[3] == 3)
    less:free()
    assert(m.func(m.cast("void*", c:symbol "abs"), "int", { "int" })(-1) == 1)]],
  ["struct union new typeof sizeof alignof offsetof"] = [[
    local S = m.struct{ { "a", "int" }, { "b", "double" } }
    local s = S{ a = 1, b = 2 }
    assert(s.a == 1 and m.sizeof(S) == 16 and m.alignof(S) == 8 and m.offsetof(S, "b") == 8 and m.typeof(s))
    assert(m.union{ { "i", "int" }, { "f", "float" } }(), tostring(s))]],
  ["type pointer array cast addressof string copy"] = [[
    local p = m.new("char", "text")
    assert(m.string(p) == "text" and m.addressof(p) and m.type "int" and m.pointer(m.type "int"))
    local q = m.new(m.array(m.type "char", 5))
    m.copy(q, p, 5)
    assert(m.cast("uintptr_t", p) ~= 0)]],
}

snippets["gilua.futures"] = {
  ["Future Future:set_result Future:result Future:done Future:running Future:cancelled Future:wait Future:exception"] = [[
    local f = m.Future()
    assert(not f:done() and not f:running() and not f:cancelled() and not f:wait(0))
    f:set_result(1, 2)
    assert(select(2, f:result()) == 2 and f:exception() == nil and f:done() and tostring(f))]],
  ["Future:set_running Future:set_exception Future:cancel Future:add_done_callback"] = [[
    local f, called = m.Future(), false
    f:add_done_callback(function() called = true end)
    assert(f:set_running())
    f:set_exception "wrong"
    assert(f:exception() == "wrong" and not f:cancel())
    local g = m.Future()
    assert(g:cancel())
    local ok, e = pcall(g.result, g)
    assert(not ok and e.kind == "cancelled")]],
  ["ThreadPoolExecutor ThreadPoolExecutor:submit ThreadPoolExecutor:map ThreadPoolExecutor:shutdown ThreadPoolExecutor:terminate"] = [[
    local pool = m.ThreadPoolExecutor{ max_workers = 2 }
    assert(pool:submit(math.max, 1, 2):result() == 2)
    for x in pool:map(math.max, { 3 }) do assert(x == 3) end
    pool:shutdown() pool:terminate()
    local ok, e = pcall(pool.submit, pool, print)
    assert(not ok and e.kind == "invalid_state")]],
  ["GearmanExecutor task_key"] = [[
    assert(m.task_key() == nil)
    local ok, e = pcall(m.GearmanExecutor, { server = {} })
    assert(not ok and e:find "unknown field 'server'")]],
  ["ProcessPoolExecutor ProcessPoolExecutor:submit ProcessPoolExecutor:map ProcessPoolExecutor:shutdown"] = [[
    local pool = m.ProcessPoolExecutor{ max_workers = 2 }
    assert(pool:submit(math.max, 1, 2):result() == 2)
    for x in pool:map(math.max, { 3 }) do assert(x == 3) end
    pool:shutdown()]],
  ["ProcessPoolExecutor:terminate and errors"] = [[
    local pool <close> = m.ProcessPoolExecutor{ max_workers = 1 }
    local e = pool:submit(function() error{ code = 1 } end):exception()
    assert(e.code == 1)
    e = pool:submit(function() local f = require "gilua.futures".Future() return f:result(0) end):exception()
    assert(e.kind == "timeout")
    e = pool:submit(function() return coroutine.create(print) end):exception()
    assert(e.kind == "pickle" and tostring(e))
    e = pool:submit(os.exit, 3):exception()
    assert(e.kind == "worker_died" and e.exitcode == 3)
    pool:terminate()]],
  ["ThreadPoolExecutor: a thread in a task"] = [[
    local pool <close> = m.ThreadPoolExecutor{ max_workers = 1 }
    assert(pool:submit(function() return require "gilua.threading".current_thread().name end):result())]],
  ["ThreadPoolExecutor: a deadlock"] = [[
    local pool <close> = m.ThreadPoolExecutor{ max_workers = 1 }
    local e = pool:submit(function() return pool:submit(type, 1):result() end):exception()
    assert(e.kind == "deadlock" and tostring(e))]],
  ["wait as_completed FIRST_COMPLETED FIRST_EXCEPTION ALL_COMPLETED progress"] = [[
    local f = m.Future()
    f:set_result(1)
    assert(m.wait({ f }, { return_when = m.FIRST_COMPLETED })[1] == f)
    for g in m.as_completed{ f } do assert(g == f) end
    for x in m.progress(function() return nil end) do end]],
}

snippets["gilua.multiprocessing"] = {
  ["Pool Pool:apply Pool:apply_async Pool:map Pool:map_async Pool:starmap Pool:starmap_async Pool:close Pool:join AsyncResult:get AsyncResult:wait AsyncResult:ready AsyncResult:successful"] = [[
    local pool = m.Pool{ processes = 1 }
    assert(pool:apply(math.max, { 1, 2 }) == 2 and pool:map(math.max, { 4 })[1] == 4)
    assert(pool:starmap(math.max, { { 1, 5 } })[1] == 5)
    local r = pool:apply_async(math.max, { 3 })
    assert(r:get() == 3 and r:wait() and r:ready() and r:successful())
    assert(pool:map_async(math.max, { 1 }):get()[1] == 1 and pool:starmap_async(math.max, { { 2 } }):get()[1] == 2)
    pool:close() pool:join()]],
  ["Pool:imap Pool:imap_unordered Pool:terminate"] = [[
    local pool = m.Pool{ processes = 1 }
    assert(pool:imap(math.max, { 1 })() == 1 and pool:imap_unordered(math.max, { 2 })() == 2)
    pool:terminate()]],
  ["Process Process:start Process:join Process:is_alive Process:pid Process:exitcode Process:kill Process:terminate"] = [[
    local p = m.Process{ target = os.exit, args = { 3 }, name = "n" }
    assert(p:start() == p and p.pid and p:join() and not p:is_alive() and p.exitcode == 3 and tostring(p))
    local q = m.Process{ target = function() while true do end end }
    q:start() q:terminate() q:kill() q:join()
    assert(q.exitcode < 0)]],
  ["shared_array"] = [[
    local a = m.shared_array("i64", 3)
    local pool <close> = m.Pool{ processes = 1 }
    pool:apply(function(x) x[2] = 42 end, { a })
    assert(a[2] == 42)
    local back = pool:apply(function(x) return x end, { a })
    back[1] = 7
    assert(a[1] == 7 and #a == 3)]],
  ["cpu_count"] = [[assert(m.cpu_count() >= 1)]],
  ["Queue JoinableQueue SimpleQueue"] = [[
    local q, j, s = m.Queue(1), m.JoinableQueue(), m.SimpleQueue()
    assert(q:put({ 1 }) and q:full() and select(2, q:put(2, false)) == "full" and q:get()[1] == 1 and q:empty())
    assert(j:put_nowait("x") and j:get_nowait() == "x")
    j:task_done()
    assert(j:join() and s:put(3) and s:get() == 3 and s:empty())]],
  ["Pipe"] = [[
    local a, b = m.Pipe()
    assert(a:send{ 2 } and b:poll(1) and b:recv()[1] == 2 and a:send_bytes "x" and b:recv_bytes() == "x")
    a:close()
    assert(select(2, b:recv()) == "closed")]],
  ["Lock RLock Semaphore BoundedSemaphore"] = [[
    for _, make in ipairs{ m.Lock, m.RLock, m.Semaphore, m.BoundedSemaphore } do
      local lock = make()
      assert(lock:acquire())
      lock:release()
      do local _ <close> = lock:hold() end
    end]],
  ["Event Condition Barrier"] = [[
    local e, c, b = m.Event(), m.Condition(), m.Barrier(1)
    e:set()
    assert(e:is_set() and e:wait() and b:wait() == 1)
    local _ <close> = c:hold()
    assert(c:wait(0) == false)
    c:notify() c:notify_all()]],
  ["Value"] = [[
    local v = m.Value("i64", 4)
    assert(v:add(3) == 7 and v.value == 7)
    local _ <close> = v:get_lock():hold()]],
  ["current_process parent_process active_children"] = [[
    local me = m.current_process()
    assert(me.pid and me.name and #m.active_children() == 0 and (m.parent_process() or true))]],
}

return snippets
