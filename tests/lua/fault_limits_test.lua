-- What happens when the system refuses memory or threads: a clear error, nothing half done, and the program goes on.
local t = require "testing"
local threading = require "gilua.threading"

-- A sanitizer's program needs terabytes of address space, and is not limited.
local function can_limit()
  local text = t.run({ "-e", "print('up')" }, { before = "ulimit -v 100000; " })
  return text == "up\n"
end

local function run(code, kilobytes)
  return t.run({ "-e", code }, { before = "ulimit -v " .. kilobytes .. "; timeout 100 " })
end

-- The least address space, in kilobytes, in which the program begins to run.
local function least_limit()
  local low, high = 1000, 100000
  while high - low > 16 do
    local middle = (low + high) // 2
    if run("print('up')", middle) == "up\n" then high = middle else low = middle end
  end
  return high
end

local function has_ended_well(limit, text, status)
  if status == 0 and text:find("done\n", 1, true) then return "done" end
  if status == 1 and (text:find("not enough memory", 1, true) or text:find("cannot start a thread", 1, true)) then
    return "refused"
  end
  error(("with %d KiB: status %s, output:\n%s"):format(limit, status, text), 2)
end

if can_limit() then
  t.test("threads that use up the memory get an error, and the memory is there for others", function()
    local done = 0
    for _ = 1, 3 do -- the thread that gets the error may always be another one, the main thread, too
      local outcome = has_ended_well(100000, run([[
        local threading = require "gilua.threading"
        local pieces = {
          function(i) return { i } end,
          function(i) return ("x"):rep(5000) .. i end,
          function(i) return ("x"):rep(2000000) .. i end,
          function(i) return coroutine.create(function() return i end) end,
        }
        local function fill(piece)
          local all = {}
          while true do all[#all + 1] = piece(#all) end
        end
        local threads, go = {}, threading.Event()
        for i = 1, 4 do
          threads[i] = threading.start(function()
            go:wait()
            for _ = 1, 2 do
              local ok, err = pcall(fill, pieces[i])
              if not err:find("not enough memory") then os.exit(2) end
            end
          end)
        end
        go:set()
        for _, thread in ipairs(threads) do pcall(thread.join, thread) end
        for _, thread in ipairs(threads) do thread:join() end
        local all = {}
        for i = 1, 100 do all[i] = ("y"):rep(50000) .. i end
        print("done")
      ]], 100000))
      if outcome == "done" then done = done + 1 end
    end
    t.near(done, 1, 3, "programs that got to their end")
  end)

  t.test("an uncaught lack of memory in a thread is reported, and the program ends as usual", function()
    local text, status = run([[
      local threading = require "gilua.threading"
      local thread = threading.Thread{ name = "glutton", target = function()
        local all = {}
        while true do all[#all + 1] = ("x"):rep(1000000) .. #all end
      end }
      thread:start():join()
      print("done")
    ]], 100000)
    t.equal(text:find("glutton", 1, true) ~= nil, true, text)
    t.equal(text:find("not enough memory", 1, true) ~= nil, true, text)
    t.equal(text:find("done\n", 1, true) ~= nil, true, text)
    t.equal(status, 0)
  end)

  t.test("wherever the memory ends, the program neither crashes nor hangs", function()
    local least, outcomes = least_limit(), {}
    for step = 0, 40 do
      local limit = least + step * step * 24 -- close together where it starts
      if step == 40 then limit = limit + 4000000 end -- enough for any allocator
      local outcome = has_ended_well(limit, run([[
        local threading, queue = require "gilua.threading", require "gilua.queue"
        local q, lock, held = queue.PriorityQueue(), threading.Lock(), {}
        local cond, barrier = threading.Condition(), threading.Barrier(1)
        local threads = {}
        for i = 1, 3 do
          threads[i] = threading.start(function()
            for k = 1, 2000 do
              q:put(k)
              local _ <close> = lock:hold()
              held[#held + 1] = { tostring(k) .. i, threading.Event(), coroutine.create(print) }
              cond:with(cond.notify, cond)
              barrier:wait()
            end
          end)
        end
        for _, thread in ipairs(threads) do thread:result() end
        for _ = 1, 6000 do assert(q:get(false)) end
        print("done")
      ]], limit))
      outcomes[outcome] = (outcomes[outcome] or 0) + 1
    end
    t.near(outcomes.refused, 1, 40, "limits that were too low")
    t.near(outcomes.done, 1, 40, "limits that were enough")
  end)

  t.test("a thread whose stack finds no room is not started, and can be when there is room (11)", function()
    local text, status = run([[
      local threading, time = require "gilua.threading", require "gilua.time"
      local weak = setmetatable({}, { __mode = "k" })
      local ballast, ran = {}, 0
      repeat until not pcall(function() ballast[#ballast + 1] = ("x"):rep(1000000) .. #ballast end)
      for i = #ballast, #ballast - 2, -1 do ballast[i] = nil end -- room for Lua, not for a stack
      local thread = threading.Thread{ target = function(n) ran = ran + n end, args = { 5 } }
      for i = 1, 3 do
        local other = threading.Thread{ target = print }
        weak[other] = true
        for _, refused in ipairs { thread, other } do
          local ok, err = pcall(refused.start, refused)
          assert(not ok and err:find("cannot start a thread"), tostring(err))
          assert(refused.ident == nil and not refused:is_alive() and tostring(refused):find("new"))
          assert(not pcall(refused.join, refused))
          assert(threading.active_count() == 1 and #threading.enumerate() == 1)
        end
      end
      collectgarbage()
      assert(next(weak) == nil, "a refused thread is kept")
      ballast = nil
      collectgarbage()
      thread:start():result()
      assert(ran == 5)
      print("done", threading.start(function(...) return ... end, 7):result())
    ]], 100000)
    t.equal(text, "done\t7\n")
    t.equal(status, 0)
  end)
end

t.test("a stack size that no system has is refused at the start of a thread only (11)", function()
  local old = threading.stack_size(1 << 50)
  local thread = threading.Thread { target = function() return "ran" end }
  for _ = 1, 3 do
    t.raises("cannot start a thread", thread.start, thread)
    t.raises("cannot start a thread", threading.start, print)
    t.equal(thread.ident, nil)
    t.equal(thread:is_alive(), false)
    t.equal(threading.active_count(), 1)
    t.equal(#threading.enumerate(), 1)
  end
  threading.stack_size(old)
  t.equal(thread:start():result(), "ran")
end)

-- Runs code as a user who may have n threads; root may have any number. Nothing where that is not possible.
local function run_as_poor_user(n, code)
  local copy, uid = os.tmpname(), math.random(100000, 900000) -- the user may not see where the program is
  local as_user = ("setpriv --reuid=%d --regid=%d --clear-groups prlimit --nproc=%d %s "):format(uid, uid, n, copy)
  os.execute(("cp '%s' %s && chmod 755 %s"):format(os.getenv("GILUA"), copy, copy))
  local text, status
  if os.execute(as_user .. "-v >/dev/null 2>&1") then
    local instead = "f() { shift; timeout 200 " .. as_user .. '"$@"; }; f ' -- of the program that t.run names
    text, status = t.run({ "-e", code }, { before = instead })
  end
  os.remove(copy)
  return text, status
end

if run_as_poor_user(1, "print('up')") then
  t.test("when the system gives no more threads, start says so, and what was started goes on (11)", function()
    for limit = 1, 6 do
      local text, status = run_as_poor_user(limit, [[
        local threading, time = require "gilua.threading", require "gilua.time"
        local weak, threads, go = setmetatable({}, { __mode = "k" }), {}, threading.Event()
        local function start()
          local thread = threading.Thread{ target = go.wait, args = { go } }
          local ok, err = pcall(thread.start, thread)
          if ok then
            threads[#threads + 1] = thread
            return true
          end
          assert(err:find("cannot start a thread"), err)
          assert(thread.ident == nil and not thread:is_alive() and not pcall(thread.join, thread))
          weak[thread] = true
        end
        while start() do end
        for _ = 1, 3 do assert(not start()) end
        assert(threading.active_count() == #threads + 1 and #threading.enumerate() == #threads + 1)
        collectgarbage()
        assert(next(weak) == nil, "a refused thread is kept")
        go:set()
        for _, thread in ipairs(threads) do assert(thread:result() == true) end
        local n, again = #threads, 0
        for _ = 1, 2000 do -- a thread that has ended may take a moment to leave the system
          if again == n then break end
          if pcall(threading.start, type, 1) then again = again + 1 else time.sleep(0.001) end
        end
        print(n, again == n, "done")
      ]])
      t.equal(text, ("%d\ttrue\tdone\n"):format(math.max(0, limit - 3)), "limit " .. limit) -- less main, nudger, dumper
      t.equal(status, 0)
    end
  end)

  t.test("a loop that starts and joins needs room for one thread: what has ended is waited for", function()
    local text, status = run_as_poor_user(4, [[
      local gilua = require "gilua"
      for i = 1, 1000 do assert(gilua.threading.start(function() return i end):result() == i) end
      for i = 1, 100 do
        local pool <close> = gilua.futures.ThreadPoolExecutor(1)
        assert(pool:submit(math.abs, -i):result() == i)
      end
      print "done"
    ]])
    t.equal(text, "done\n")
    t.equal(status, 0)
  end)
else
  print("# skipped: cannot run as another user here")
end

t.test("a library that cannot be loaded for want of descriptors is not told to be missing", function()
  local text = t.run({ "-e", [[
    local gilua = require "gilua"
    local native, ctypes, mp = gilua.native, gilua.ctypes, gilua.multiprocessing
    local matrix, files = native.buffer("f64", 4), {}
    for _ = 1, 100 do files[#files + 1] = io.open "/dev/null" end
    for _, call in ipairs {
      function() native.compress "x" end, function() native.compress("x", { format = "zstd" }) end, function() native.sha256 "x" end,
      function() native.matmul(matrix, matrix) end, function() ctypes.load "z" end, function() ctypes.load "libz.so.1" end,
      function() gilua.socket.tcp() end, function() mp.Process { target = print }:start() end,
    } do print((select(2, pcall(call)))) end]] }, { before = "ulimit -n 40; " })
  t.equal(select(2, text:gsub("Too many open files\n", "")), 8, text)
  for _, wrong in ipairs { "missing", "install", "No such file", "process pool", "give its file name" } do t.equal(text:find(wrong, 1, true), nil, text) end
end)

t.finish()
