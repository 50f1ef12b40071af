-- multiprocessing.Process.
local t = require "testing"
local mp = require "gilua.multiprocessing"
local threading = require "gilua.threading"
local P = require "processes"

P.test("a process runs its target with its arguments and exits with 0", function()
  local path = os.tmpname()
  local p = mp.Process { target = function(name, a, b, c) P.append(name, a .. tostring(b) .. c .. P.pid()) end,
                         args = { path, "x", nil, "y", n = 4 } }
  t.equal(p.pid, nil)
  t.equal(p.exitcode, nil)
  t.equal(p:is_alive(), false)
  t.equal(p:start(), p)
  t.equal(p:join(), true)
  t.equal(p:is_alive(), false)
  t.equal(p.exitcode, 0)
  t.equal(P.lines(path)[1], "xnily" .. p.pid)
  os.remove(path)
end)

P.test("exitcode is what it left with, 1 for an error, the negative signal that ended it", function()
  local text, status = t.run { "-e", [[
    local mp, P = require "gilua.multiprocessing", require "processes"
    local function code(f, ...)
      local p = mp.Process{target = f, args = {...}}:start()
      p:join()
      return p.exitcode
    end
    print(code(os.exit, 5), code(os.exit, 6, true), code(os.exit, true), code(os.exit, false))
    print(code(P.die, P.KILL), code(P.die, P.TERM))
    print(code(error, "the message of it"))]] }
  t.equal(status, 0)
  t.equal(text:find("5\t6\t0\t1\n-9\t-15\n", 1, true) ~= nil, true, text)
  t.equal(text:find("process %d+: the message of it") ~= nil, true, text)
  t.equal(text:find("1\n", 1, true) ~= nil, true)
end)

P.test("terminate and kill end it; afterwards they do nothing", function()
  for method, code in pairs { terminate = -15, kill = -9 } do
    local p = mp.Process { target = function() while true do end end }:start()
    t.equal(p:is_alive(), true)
    t.equal(P.alive(p.pid), true)
    t.equal(p:join(0), false)
    t.equal(p:join(0.001), false)
    p[method](p)
    t.equal(p:join(), true)
    t.equal(p.exitcode, code)
    p[method](p)
    t.equal(p:join(0), true)
  end
end)

P.test("a process that ends by itself is seen without a join", function()
  local p = mp.Process { target = os.exit, args = { 3 } }:start()
  t.eventually(function() return not p:is_alive() end)
  t.equal(p.exitcode, 3)
end)

P.test("mistakes: started twice, joined before, no target, daemon too late", function()
  local p = mp.Process { target = function() end }
  t.raises("not started", p.join, p)
  t.raises("not started", p.terminate, p)
  p:start()
  t.raises("once", p.start, p)
  t.raises("daemon", function() p.daemon = true end)
  p:join()
  t.raises("once", p.start, p)
  t.raises("", mp.Process, {})
  t.raises("args", mp.Process, { target = print, args = 3 })
  t.raises("name", mp.Process, { target = print, name = {} })
end)

P.test("names: given, or numbered and different", function()
  local a, b, c = mp.Process { target = print }, mp.Process { target = print }, mp.Process { target = print, name = "c" }
  t.equal(a.name ~= b.name, true)
  t.equal(c.name, "c")
  t.equal(tostring(c):find("Process%(c, new") ~= nil, true)
end)

P.test("what cannot travel is an error of start, and leaves nothing", function()
  local p = mp.Process { target = print, args = { io.tmpfile() } }
  t.raises_kind("pickle", p.start, p)
  t.equal(p:is_alive(), false)
  t.equal(p.exitcode, nil)
end)

P.test("other threads run while one joins; several may join", function()
  local gate <close> = P.gate()
  local p = mp.Process { target = P.pass, args = { gate.path } }:start()
  local threads = t.start(4, function() return p:join() end)
  t.equal(p:join(0), false)
  gate:open()
  for _, thread in ipairs(threads) do t.equal(thread:result(), true) end
end)

P.test("many processes at once, started by several threads", function()
  t.join(t.start(4, function(i)
    local list = {}
    for k = 1, t.hostile and 1 or 4 do list[k] = mp.Process { target = os.exit, args = { i * 10 + k } }:start() end
    for k, p in ipairs(list) do
      p:join()
      t.equal(p.exitcode, i * 10 + k)
    end
  end))
end)

P.test("the program waits for processes at its end, and ends daemons", function()
  local text, status = t.run { "-e", [[
    local mp, P = require "gilua.multiprocessing", require "processes"
    local gate = P.gate()
    mp.Process{target = function(path)
      P.pass(path)
      require "gilua.time".sleep(0.05)
      print "waited for"
    end, args = {gate.path}}:start()
    mp.Process{target = function() while true do end end, daemon = true}:start()
    print "end of main"
    io.stdout:flush()
    gate:open()]] }
  t.equal(text, "end of main\nwaited for\n")
  t.equal(status, 0)
end)

P.test("what a process prints comes once", function()
  local text = t.run { "-e", [[
    io.write "parent "
    local p = require "gilua.multiprocessing".Process{target = function() io.write "child " end}:start()
    p:join()
    io.write "end"]] }
  t.equal(text, "parent child end")
end)

P.test("a process may start processes", function()
  local p = mp.Process { target = function()
    local q = require "gilua.multiprocessing".Process { target = os.exit, args = { 4 } }:start()
    q:join()
    os.exit(q.exitcode + 1)
  end }:start()
  p:join()
  t.equal(p.exitcode, 5)
end)

P.test("a process ends as a program does: files written, threads joined, executors and processes waited for", function()
  local path = os.tmpname()
  local p = mp.Process { target = function(name)
    local futures = require "gilua.futures"
    local function later(line)
      require "gilua.time".sleep(0.02)
      P.append(name, line)
    end
    threading.start(later, "thread")
    futures.ThreadPoolExecutor { max_workers = 1 }:submit(later, "executor")
    futures.ProcessPoolExecutor { max_workers = 1 }:submit(later, "pool")
    mp.Process { target = later, args = { "process" } }:start()
    threading.Thread { daemon = true, target = function()
      local last <close> = setmetatable({}, { __close = function() P.append(name, "daemon") end })
      while true do require "gilua.time".sleep(1) end
    end }:start()
    the_file = io.open(name .. ".open", "w") -- is not closed by anybody
    the_file:write("written")
  end, args = { path } }:start()
  p:join()
  t.equal(p.exitcode, 0)
  local lines = P.lines(path)
  table.sort(lines)
  t.equal(table.concat(lines, " "), "daemon executor pool process thread")
  t.equal(io.open(path .. ".open"):read("a"), "written")
  os.remove(path)
  os.remove(path .. ".open")
end)

P.test("a process does not wait for what threads and executors of the program do", function()
  local gate <close> = P.gate()
  local executor <close> = require "gilua.futures".ThreadPoolExecutor { max_workers = 1 }
  local thread = threading.start(P.pass, gate.path)
  local f = executor:submit(P.pass, gate.path)
  t.eventually(function() return f:running() end)
  local p = mp.Process { target = os.time }:start()
  t.equal(p:join(), true)
  t.equal(p.exitcode, 0)
  gate:open()
  thread:join()
end)

P.test("os.exit in a process writes its files, too", function()
  local path = os.tmpname()
  local p = mp.Process { target = function(name)
    the_file = io.open(name, "w")
    the_file:write("written")
    os.exit(3)
  end, args = { path } }:start()
  p:join()
  t.equal(p.exitcode, 3)
  t.equal(io.open(path):read("a"), "written")
  os.remove(path)
end)

P.test("what a target returns goes nowhere: also what cannot travel", function()
  local p = mp.Process { target = function() return coroutine.create(print), io.stdout end }:start()
  p:join()
  t.equal(p.exitcode, 0)
end)

P.test("a process that is dropped while it runs is not collected under way", function()
  local path = os.tmpname()
  mp.Process { target = function(name)
    require "gilua.time".sleep(0.02)
    P.append(name, "done")
  end, args = { path } }:start()
  collectgarbage()
  collectgarbage()
  t.eventually(function() return P.lines(path)[1] end)
  os.remove(path)
  for _ = 1, 3 do collectgarbage() end
end)

t.finish()
