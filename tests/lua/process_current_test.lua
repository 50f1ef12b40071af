-- multiprocessing.current_process, parent_process, active_children, Process:close.
local t = require "testing"
local mp = require "gilua.multiprocessing"
local futures = require "gilua.futures"

t.may_keep["shared mappings"] = 2 -- the memory that processes share is kept
t.may_keep.descriptors = 4

local function pid()
  local stat <close> = io.open("/proc/self/stat")
  return stat:read("n")
end

t.test("the program is the main process and has no parent", function()
  local p = mp.current_process()
  t.equal(p.name, "MainProcess")
  t.equal(p.pid, pid())
  t.equal(p.daemon, false)
  t.equal(p:is_alive(), true)
  t.equal(mp.parent_process(), nil)
  t.equal(select("#", mp.parent_process()), 1)
  t.equal(pcall(p.join, p), false)
end)

t.test("a Process knows its name and its parent, at every depth", function()
  local q = mp.Queue()
  local function tell(out)
    local m = require "gilua.multiprocessing"
    local me, parent = m.current_process(), m.parent_process()
    out:put { me.name, me.pid, me.daemon, parent.name, parent.pid, parent:is_alive(), parent:join(0) }
  end
  local p = mp.Process { name = "outer", daemon = true, target = function(out, f)
    f(out)
    require "gilua.multiprocessing".Process { name = "inner", target = f, args = { out } }:start():join()
  end, args = { q, tell } }:start()
  local outer, inner = q:get(), q:get()
  p:join()
  t.equal(outer[1], "outer")
  t.equal(outer[2], p.pid)
  t.equal(outer[3], true)
  t.equal(outer[4], "MainProcess")
  t.equal(outer[5], pid())
  t.equal(outer[6], true)
  t.equal(outer[7], false)
  t.equal(inner[1], "inner")
  t.equal(inner[4], "outer")
  t.equal(inner[5], p.pid)
end)

t.test("a worker of a pool has a parent, too", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local name, parent, here = pool:submit(function()
    local m = require "gilua.multiprocessing"
    return m.current_process().name, m.parent_process().pid, m.current_process().pid
  end):result()
  t.equal(name, "PoolWorker-" .. here)
  t.equal(parent, pid())
end)

t.test("active_children are those that run", function()
  local go = mp.Event()
  t.equal(#mp.active_children(), 0)
  local a = mp.Process { target = function(e) e:wait() end, args = { go } }:start()
  local b = mp.Process { target = function(e) e:wait() end, args = { go } }:start()
  local list = mp.active_children()
  t.equal(#list, 2)
  t.equal(list[1] == a or list[2] == a, true)
  local q = mp.Queue()
  mp.Process { target = function(out) out:put(#require "gilua.multiprocessing".active_children()) end, args = { q } }:start():join()
  t.equal(q:get(), 0)
  go:set()
  a:join()
  b:join()
  t.equal(#mp.active_children(), 0)
end)

t.test("a Process that has ended can be closed, one that runs cannot", function()
  local go = mp.Event()
  local p = mp.Process { target = function(e) e:wait() end, args = { go } }:start()
  t.raises_kind("invalid_state", p.close, p)
  go:set()
  p:join()
  p:close()
  p:close()
  t.raises_kind("invalid_state", p.is_alive, p)
  t.equal(tostring(p):find("closed") ~= nil, true)
end)

t.test("without descriptors join waits nevertheless, for as long as it says", function()
  t.equal(t.run({ "-e", [[
    local mp = require "gilua.multiprocessing"
    local said = mp.Queue()
    mp.Process { target = function(out)
      local m, time = require "gilua.multiprocessing", require "gilua.time"
      local parent, files, f = m.parent_process(), {}, nil
      repeat f = io.open("/dev/null"); files[#files + 1] = f until not f
      local before = time.monotonic()
      local ended = parent:join(0.2)
      out:put { ended, time.monotonic() - before >= 0.2 }
    end, args = { said } }:start():join()
    print(table.unpack(said:get()))
  ]] }, { before = "ulimit -n 60; " }), "false\ttrue\n")
end)

t.finish()
