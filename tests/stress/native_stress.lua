-- Buffers, native work and callbacks in many threads at once: nothing is lost, and the sanitizers see no fault.
local t = require "testing"
local native = require "gilua.native"
local threading = require "gilua.threading"
local ctypes = require "gilua.ctypes"
local time = require "gilua.time"

local seconds = tonumber(arg[1]) or 2

local actions = {
  function(i)
    local b = native.buffer("f64", 500 + i):fill(i)
    t.equal(native.sum(b), (500 + i) * i * 1.0)
    b:resize(20000):fill(1)
    t.equal(native.dot(b, b), 20000.0)
  end,
  function(i)
    local b = native.buffer("i64", 3000)
    for k = 1, 3000, 50 do b[k] = (k * 7919 + i) % 1000 end
    native.sort(b)
    for k = 2, 3000, 61 do assert(b[k - 1] <= b[k]) end
  end,
  function(i)
    local s = ("text %d "):format(i):rep(2000)
    t.equal(native.decompress(native.compress(s, { format = i % 2 == 0 and "zstd" or "zlib", level = 1 })) == s, true)
    t.equal(#native.sha256(s), 64)
  end,
  function(i)
    local b = native.buffer("u8", 1 << 16)
    local v = b:view(100, 200)
    v:fill(i % 256)
    t.equal(b[150], i % 256)
    t.equal(pcall(b.free, b), false)
  end,
  function(i)
    local a = ctypes.new("int", { 5, i % 7, 9, 1 })
    local compare <close> = ctypes.callback(function(x, y) return x[1] - y[1] end, "int", { "int*", "int*" })
    ctypes.load():func("qsort", nil, { "void*", "size_t", "size_t", "void*" })(a, 4, 4, compare)
    for k = 2, 4 do assert(a[k - 1] <= a[k]) end
  end,
}

t.test("threads that share a runtime use native work without harm", function()
  t.at_intervals(function()
    local deadline = time.monotonic() + seconds
    t.join(t.start(4, function(k)
      local i = k
      while time.monotonic() < deadline do
        i = i + 1
        actions[i % #actions + 1](i)
      end
    end))
  end, { 1e-5, 1e-3 })
end)

t.test("threads that are cancelled in native work leave nothing pinned", function()
  local shared = native.buffer("f64", 300 * 300):fill(1)
  for _ = 1, 10 do
    local workers = t.start(3, function()
      while true do
        native.matmul(shared, shared)
        native.sha256(shared)
      end
    end)
    time.sleep(0.01)
    for _, w in ipairs(workers) do w:cancel() end
    for _, w in ipairs(workers) do t.equal(w:join(t.limit), true) end
  end
  shared:free()
end)

t.finish()
