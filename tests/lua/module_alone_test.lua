-- Objects of every type work in a program that requires one module only: no type needs another module's metatable.
local t = require "testing"

local programs = {
  ["a thread of a pool is a Thread"] = [[
    local pool <close> = require "gilua.futures".ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "job" }
    return pool:submit(function() return require "gilua.threading".current_thread().name:sub(1, 3) end):result() == "job"]],
  ["a full pool of threads tells of its deadlock"] = [[
    local pool <close> = require "gilua.futures".ThreadPoolExecutor(1)
    local _, e = pcall(function()
      return pool:submit(function() return pool:submit(math.abs, 1):result() end):result()
    end)
    return e.kind == "deadlock" and #tostring(e) > 0]],
  ["error objects come from workers"] = [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor(1)
    local e = pool:submit(function() require "gilua.futures".Future():result(0) end):exception()
    return e.kind == "timeout" and tostring(e):find("^timeout: ") ~= nil]],
  ["error objects come from workers that were spawned"] = [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor { max_workers = 1, start = "spawn" }
    local e = pool:submit(function() require "gilua.futures".Future():result(0) end):exception()
    return e.kind == "timeout" and tostring(e):find("^timeout: ") ~= nil]],
  ["a program may take require away, and forbid globals that it did not declare"] = [[
    local require = require
    _G.require = nil
    setmetatable(_G, { __index = function(_, k) error("no global " .. tostring(k)) end, __newindex = error })
    local pool <close> = require "gilua.multiprocessing".Pool(1)
    local x <close> = require "gilua.futures".ProcessPoolExecutor { max_workers = 1, start = "spawn" }
    return pool:apply(math.abs, { -1 }) == 1 and require "gilua".time.monotonic() > 0 and
           pool:apply(function(m) return m.dumps(1) end, { require "gilua.pickle" }) ~= nil and
           x:submit(math.abs, -2):result() == 2]],
  ["error objects are pickled"] = [[
    local pickle = require "gilua.pickle"
    local _, e = pcall(pickle.loads, "junk")
    local copy = pickle.loads(pickle.dumps(e))
    return copy.kind == "pickle" and getmetatable(copy) == getmetatable(e)]],
  ["buffers go to workers and come back"] = [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor(1)
    local b = require "gilua.native".buffer("f64", { 1, 2, 3 })
    return pool:submit(function(b) return b end, b):result()[2] == 2]],
  ["chunks run in workers that were spawned"] = [[
    local pool <close> = require "gilua.futures".ProcessPoolExecutor { max_workers = 1, start = "spawn" }
    local sum = 0
    for x in pool:map(math.abs, { -1, -2, -3 }, { chunksize = 2 }) do sum = sum + x end
    return sum == 6]],
  ["a callback reports its error"] = [[
    local f, reported = require "gilua.futures".Future(), false
    f:add_done_callback(function() require "gilua.threading".excepthook = function(thread) reported = thread.name end error "x" end)
    f:set_result(1)
    while not reported do require "gilua.time".sleep(0.001) end
    return type(reported) == "string"]],
}

local names = {}
for name in pairs(programs) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  t.test(name, function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write("local function main()\n", programs[name], "\nend\nassert(main())\n")
    file:close()
    local ok = os.execute(os.getenv "GILUA" .. " " .. path)
    os.remove(path)
    t.equal(ok, true)
  end)
end

t.finish()
