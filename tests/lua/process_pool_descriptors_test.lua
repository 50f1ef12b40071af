-- Which descriptors workers have: 0, 1, 2 and files of the program; and which the program needs.
local t = require "testing"
local futures = require "gilua.futures"
local mp = require "gilua.multiprocessing"
local P = require "processes"
local new = futures.ProcessPoolExecutor

local function program(lines, around)
  return t.run({ "-e", [[
    local futures, mp, P = require "gilua.futures", require "gilua.multiprocessing", require "processes" ]] .. lines }, around)
end

for _, start in ipairs { "fork", "spawn" } do
  P.test("a pipe of the program ends when the program closes it, beside a pool and a Process, start = " .. start, function()
    local gate <close> = P.gate()
    local command = io.popen("cat >/dev/null", "w")
    local pool <close> = new { max_workers = 1, start = start }
    local f = pool:submit(P.pass, gate.path)
    local p = mp.Process { target = P.pass, args = { gate.path } }:start()
    t.eventually(function() return f:running() end)
    t.equal(command:close(), true) -- waits for cat, which ends at the end of its input
    gate:open()
    p:join()
  end)
end

P.test("files of the program stay open in workers, under their numbers", function()
  local name = os.tmpname()
  local f <close> = io.open(name, "w")
  f:setvbuf("no")
  P.the_file = f
  local pool <close> = new { max_workers = 1 }
  pool:submit(function() P.the_file:write("from the worker") end):result()
  P.the_file = nil
  t.equal(io.open(name):read("a"), "from the worker")
  os.remove(name)
end)

P.test("a pipe of the program that a worker collects takes no descriptor of the worker's with it", function()
  local name = os.tmpname()
  P.the_pipe = io.popen("cat >/dev/null", "w")
  local pool <close> = new { max_workers = 1 }
  local text = pool:submit(function(path)
    local f <close> = io.open(path, "w")
    P.the_pipe = nil
    collectgarbage()
    f:write("whole")
    f:flush()
    return io.open(path):read("a")
  end, name):result()
  t.equal(text, "whole")
  P.the_pipe:close()
  P.the_pipe = nil
  os.remove(name)
end)

for _, closed in ipairs { "0", "1", "2", "0 1", "0 1 2" } do
  local shut = ""
  for n in closed:gmatch("%d") do shut = shut .. ("exec %s%s&-; "):format(n, n == "0" and "<" or ">") end
  P.test("a pool, a Process and a shared array work where these descriptors are closed: " .. closed, function()
    local path, script = os.tmpname(), os.tmpname()
    local f = io.open(script, "w")
    f:write(([[
      local futures, mp, P = require "gilua.futures", require "gilua.multiprocessing", require "processes"
      local a = mp.shared_array("i64", 2)
      local pool = futures.ProcessPoolExecutor{max_workers = 2}
      local b = mp.shared_array("i64", 2)
      local function set(a, i) a[i] = i print("to the null device") return i end
      local sum = pool:submit(set, a, 1):result() + pool:submit(set, b, 2):result()
      pool:shutdown()
      local anew <close> = futures.ProcessPoolExecutor{max_workers = 1, start = "spawn"}
      sum = sum + anew:submit(math.abs, -4):result()
      local p = mp.Process{target = function(a) a[2] = 5 end, args = {a}}:start()
      p:join()
      local out = io.open(%q, "w")
      out:write(sum, " ", a[1], " ", b[2], " ", a[2], " ", p.exitcode)
      out:close()]]):format(path))
    f:close()
    os.execute(shut .. "exec '" .. os.getenv("GILUA") .. "' " .. script)
    t.equal(io.open(path):read("a"), "7 1 2 5 0")
    os.remove(path)
    os.remove(script)
  end)
end

P.test("processes one after another leave nothing: 60 where 40 descriptors are allowed", function()
  local text, status = program([[
    for i = 1, 60 do assert(mp.Process{target = os.exit, args = {i}}:start():join()) end
    print "done"]], { before = "ulimit -n 40; " })
  t.equal(text, "done\n")
  t.equal(status, 0)
end)

P.test("processes that nobody joins leave nothing when they have ended: the next start sees it", function()
  local text, status = program([[
    for i = 1, 60 do
      local p = mp.Process{target = os.exit}:start()
      while p:is_alive() do require "gilua.time".sleep(0.0005) end
      while #P.children() > 0 do end
    end
    print "done"]], { before = "ulimit -n 40; " })
  t.equal(text, "done\n")
  t.equal(status, 0)
end)

P.test("a pool that has not the descriptors that it needs says so, wherever they are missing", function()
  local text, status = program([[
    local taken, made = {}, 0
    for file in function() return io.open("/dev/null") end do taken[#taken + 1] = file end
    for _ = 1, 16 do
      for _, start in ipairs{"fork", "spawn"} do
        local ok, err = pcall(futures.ProcessPoolExecutor, {max_workers = 1, start = start})
        if ok then made = made + 1 err:shutdown()
        else assert(tostring(err) == "broken_pool: cannot start a process pool: Too many open files", tostring(err)) end
      end
      table.remove(taken):close()
    end
    print(made > 0)]], { before = "ulimit -n 60; " })
  t.equal(text, "true\n")
  t.equal(status, 0)
end)

t.finish()
