-- multiprocessing.shared_array: memory that processes share. Hazard L2.
local t = require "testing"
local mp = require "gilua.multiprocessing"
local futures = require "gilua.futures"
local P = require "processes"

P.test("every type holds its values, across processes", function()
  local values = { f64 = 1.5, f32 = 0.25, i64 = math.mininteger, i32 = -2 ^ 31 | 0, u8 = 255 }
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  for type, value in pairs(values) do
    local a = mp.shared_array(type, 3)
    t.equal(#a, 3)
    t.equal(a[1], type:sub(1, 1) == "f" and 0.0 or 0)
    pool:submit(function(array, v) array[2] = v end, a, value):result()
    t.equal(a[2], value)
    t.equal(a[1] == 0 and a[3] == 0, true)
  end
end)

P.test("an array made after the pool reaches its workers, made before it too (L2)", function()
  local before = mp.shared_array("i64", 2)
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 2 }
  pool:submit(math.abs, 1):result()
  local after = mp.shared_array("i64", 2)
  local function set(array, i, v) array[i] = v end
  pool:submit(set, before, 1, 10):result()
  pool:submit(set, after, 2, 20):result()
  t.equal(before[1], 10)
  t.equal(after[2], 20)
  after[1] = 30 -- and what the program writes is seen there
  t.equal(pool:submit(function(array) return array[1] end, after):result(), 30)
end)

P.test("workers write their parts of one array", function()
  local n = 8
  local a = mp.shared_array("f64", n * 100)
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 3 }
  local fs = {}
  for k = 1, n do
    fs[k] = pool:submit(function(array, from) for i = from, from + 99 do array[i] = i / 2 end end, a, (k - 1) * 100 + 1)
  end
  for k = 1, n do fs[k]:result() end
  for i = 1, n * 100 do t.equal(a[i], i / 2) end
end)

P.test("a table of arrays, and one array twice", function()
  local a = mp.shared_array("i32", 4)
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  pool:submit(function(list, b) list.x[1] = 5 b[2] = 6 end, { x = a }, a):result()
  t.equal(a[1], 5)
  t.equal(a[2], 6)
end)

P.test("an array lives until the task that got it is done, though the program drops it", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local gate <close> = P.gate()
  pool:submit(P.pass, gate.path)
  local a = mp.shared_array("i64", 1)
  a[1] = 77
  local f = pool:submit(function(array) return array[1] end, a)
  a = nil
  collectgarbage()
  collectgarbage()
  gate:open()
  t.equal(f:result(), 77)
end)

P.test("an array that a closure or a table of a task holds lives until the task is done", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local gate <close> = P.gate()
  pool:submit(P.pass, gate.path)
  local a, b = mp.shared_array("i64", 1), mp.shared_array("i64", 1)
  a[1], b[1] = 70, 7
  local f = pool:submit(function(list) return a[1] + list.deep.b[1] end, { deep = { b = b } })
  a, b = nil, nil
  collectgarbage()
  collectgarbage()
  gate:open()
  t.equal(f:result(), 77)
end)

P.test("an array comes back from a task, whatever its worker does meanwhile, and is the same memory", function()
  local pool = futures.ProcessPoolExecutor { max_workers = 1 }
  local a = mp.shared_array("f64", 10)
  local f = pool:submit(function(array) array[1] = 5 return array end, a)
  local made = pool:submit(function()
    local array = mp.shared_array("i64", 3)
    array[3] = 33
    return array, { { array } }
  end)
  for _ = 1, 3 do pool:submit(function() collectgarbage() collectgarbage() end):result() end
  pool:shutdown() -- the worker is gone
  local b = f:result()
  t.equal(b[1], 5)
  b[2] = 6
  t.equal(a[2], 6)
  local c, nested = made:result()
  t.equal(c[3], 33)
  nested[1][1][1] = 11
  t.equal(c[1], 11)
end)

P.test("a view of a shared array is the same memory in a task, and on return", function()
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local a = mp.shared_array("i32", 100)
  local v = a:view(11, 20):view(2, 4) -- a[12] to a[14]
  local back = pool:submit(function(view) view[1] = 42 return view, #view end, v):result()
  t.equal(a[12], 42)
  back[3] = 43
  t.equal(a[14], 43)
  t.equal(#back, 3)
end)

for _, start in ipairs { "fork", "spawn" } do
  P.test("other buffers are copied, whichever modules are loaded, both ways, start = " .. start, function()
    local program = ([[
    local native = require "gilua.native"
    local pool <close> = require "gilua.futures".ProcessPoolExecutor{max_workers = 1, start = "START"}
    local b = native.buffer("f64", {1, 2, 3})
    local c = pool:submit(function(x, y) x[1] = y[2] + 10 return x end, b, b:view(2, 3)):result()
    print(b[1], c[1], #c)]]):gsub("START", start)
    local text = t.run { "-e", program }
    t.equal(text, "1.0\t13.0\t3\n")
  end)
end

P.test("arrays are freed: no descriptor and no memory is left", function() -- t.test looks for descriptors
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  local function touch(array) array[1] = 1 end
  for _ = 1, 5 do pool:submit(touch, mp.shared_array("f64", 1000)):result() end
  for _ = 1, t.hostile and 5 or 50 do pool:submit(touch, mp.shared_array("f64", 100000)):result() end
  collectgarbage()
  collectgarbage()
  local _, maps = io.open("/proc/self/maps"):read("a"):gsub("gilua.shared_array", "")
  t.equal(maps, 0, "mappings in the program")
end)

P.test("arrays that were dropped give their descriptors back when there are no more, in the program and in workers", function()
  local text = t.run({ "-e", [[
    local mp = require "gilua.multiprocessing"
    local pool <close> = require "gilua.futures".ProcessPoolExecutor { max_workers = 1 }
    local made, sent = 0, 0
    for _ = 1, 300 do made = made + #mp.shared_array("u8", 1) end
    for _ = 1, 300 do
      local a = mp.shared_array("u8", 1)
      sent = sent + pool:submit(function(array) return #array end, a):result()
      a:free()
    end
    print(made, sent)]] }, { before = "ulimit -n 60; " })
  t.equal(text, "300\t300\n")
end)

P.test("a Process gets arrays, too", function()
  local a = mp.shared_array("i64", 1)
  local p = mp.Process { target = function(array) array[1] = 3 end, args = { a } }:start()
  p:join()
  t.equal(p.exitcode, 0)
  t.equal(a[1], 3)
end)

P.test("an array of no element, of too many, of no type", function()
  t.equal(#mp.shared_array("u8", 0), 0)
  t.raises("length", mp.shared_array, "u8", -1)
  t.raises("shared array", mp.shared_array, "f64", 1 << 50)
  t.raises("unknown type", mp.shared_array, "f16", 1)
end)

if not t.tsan then -- which needs large files itself
  P.test("a limit on the size of files is an error, where the system would end the program", function()
    local lines = [[
      local make = %s
      print(pcall(make))]]
    for _, make in ipairs { "function() require 'gilua.multiprocessing'.shared_array('u8', 1 << 20) end",
                            "function() require 'gilua.futures'.ProcessPoolExecutor { max_workers = 1, start = 'spawn' }:submit(print) end" } do
      local text, status = t.run({ "-e", lines:format(make) }, { before = "ulimit -f 100; " })
      t.equal(status, 0)
      t.equal(text:find("^false.*File too large") ~= nil, true, text)
    end
  end)
end

P.test("an array outside its bounds raises", function()
  local a = mp.shared_array("u8", 2)
  t.raises("", function() return a[0] + 1 end)
  t.raises("", function() a[3] = 1 end)
end)

P.test("a worker that dies does not take the array along", function()
  local a = mp.shared_array("i64", 1)
  local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
  pcall(function() pool:submit(function(array) array[1] = 9 P.die() end, a):result() end)
  t.equal(a[1], 9)
  pool:submit(function(array) array[1] = array[1] + 1 end, a):result()
  t.equal(a[1], 10)
end)

P.test("an array longer than the memory of the machine is an error, not an array that kills who fills it", function()
  t.raises("cannot make a shared array of %d+ bytes: Cannot allocate memory", mp.shared_array, "u8", 1 << 46)
end)

P.test("typed arrays that overlap are one memory in a task and in its result", function()
  for _, start in ipairs { "fork", "spawn" } do
    local pool <close> = futures.ProcessPoolExecutor { max_workers = 1, start = start }
    local b = require "gilua.native".buffer("f64", 10)
    local seen, c, v = pool:submit(function(whole, part)
      part[1] = 5
      return whole[3], whole, part
    end, b, b:view(3, 4)):result()
    t.equal(seen, 5.0)
    v[2] = 6
    t.equal(c[4], 6.0)
    t.equal(b[3], 0.0)
  end
end)

t.finish()
