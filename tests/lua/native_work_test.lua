-- gilua.native: digests, arithmetic on arrays, and how the work leaves the lock.
local t = require "testing"
local native = require "gilua.native"
local threading = require "gilua.threading"
local time = require "gilua.time"

local function list(b) return table.concat(b:totable(), " ") end

t.test("sha256 gives the digests of the standard, of strings and buffers", function()
  t.equal(native.sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  t.equal(native.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  t.equal(native.sha256(("a"):rep(1000000)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  t.equal(native.sha256(native.buffer("u8", "abc")), native.sha256("abc"))
  t.equal(#native.sha256("abc", true), 32)
  t.raises("string or buffer expected, got table", native.sha256, {})
  t.raises("string or buffer expected, got number", native.sha256, 5)
end)

t.test("crc32 gives the check value, in one piece or several", function()
  t.equal(native.crc32("123456789"), 0xCBF43926)
  t.equal(native.crc32("6789", native.crc32("12345")), 0xCBF43926)
  t.equal(native.crc32(""), 0)
  t.raises("32%-bit", native.crc32, "", -1)
end)

t.test("sum adds floats precisely and integers as Lua does", function()
  local b = native.buffer("f64", 1000001):fill(0.1)
  t.near(native.sum(b), 100000.1 - 1e-8, 100000.1 + 1e-8)
  t.equal(native.sum(native.buffer("i64", { math.maxinteger, 1 })), math.mininteger)
  t.equal(native.sum(native.buffer("i32", { -2147483648, -2147483648 })), -4294967296)
  t.equal(native.sum(native.buffer("u8", ("\255"):rep(100000))), 25500000)
  t.equal(native.sum(native.buffer("f32", 0)), 0.0)
end)

t.test("dot multiplies element by element", function()
  for _, type in ipairs { "f64", "f32", "i64", "i32", "u8" } do
    t.equal(native.dot(native.buffer(type, { 1, 2, 3 }), native.buffer(type, { 4, 5, 6 })), 32)
  end
  t.raises("same length", native.dot, native.buffer("f64", 1), native.buffer("f64", 2))
  t.raises("same type", native.dot, native.buffer("f64", 1), native.buffer("f32", 1))
end)

t.test("sort orders every type, a range, and puts NaNs last", function()
  for _, type in ipairs { "f64", "f32", "i64", "i32", "u8" } do
    for _, n in ipairs { 0, 1, 2, 3, 100, 5000 } do
      local values = {}
      for i = 1, n do values[i] = math.random(0, 255) - (type == "u8" and 0 or 128) end
      local b = native.sort(native.buffer(type, values))
      table.sort(values)
      for i = 1, n do t.equal(b[i], values[i]) end
    end
  end
  t.equal(list(native.sort(native.buffer("i32", { 5, 4, 3, 2, 1 }), 2, 4)), "5 2 3 4 1")
  local b = native.sort(native.buffer("f64", { 0 / 0, 1, -1 / 0, -0.5, 1 / 0, 2.0 ^ -1040, -1e300 }))
  t.equal(list(b:sub(1, -2)), "-inf -1e+300 -0.5 " .. 2.0 ^ -1040 .. " 1.0 inf")
  t.equal(b[7] ~= b[7], true)
  local extremes = native.buffer("i64", { math.maxinteger, 0, math.mininteger, -1 })
  t.equal(list(native.sort(extremes)), math.mininteger .. " -1 0 " .. math.maxinteger)
end)

t.racing("sort of what others write meanwhile breaks nothing but numbers", function()
  for _, type in ipairs { "i64", "f32", "u8" } do
    local n = t.hostile and 2000 or 50000
    local b, stop = native.buffer(type, n), false
    local writer = t.start(1, function()
      while not stop do b:fill(1) b:fill(0) b:fill(100, n // 2) end
    end)
    for _ = 1, 50 do
      native.sort(b)
      for i = 1, n, n // 10 do
        local x = b[i]
        t.equal(x == 0 or x == 1 or x == 100, true)
      end
    end
    stop = true
    t.join(writer)
  end
end)

t.test("a sort that is stopped leaves the elements as they were", function()
  local n = 1 << 22
  local b = native.buffer("i64", n)
  for i = 1, n, 1000 do b[i] = n - i end
  local before, sorted = b:copy(), native.sort(b:copy())
  for _ = 1, 5 do
    local begun = threading.Event()
    local thread = threading.start(function() begun:set() native.sort(b) end)
    begun:wait()
    thread:cancel()
    thread:join()
    t.equal(b == before or b == sorted, true)
    b:assign(1, before)
  end
end)

t.test("matmul multiplies matrices of any shape", function()
  for _, type in ipairs { "f64", "f32" } do
    local a = native.buffer(type, { 1, 2, 3, 4, 5, 6 })
    t.equal(list(native.matmul(a, a, 2, 3, 2)), list(native.buffer(type, { 22, 28, 49, 64 })))
    t.equal(list(native.matmul(a, native.buffer(type, { 1, 1, 1 }), 2)), list(native.buffer(type, { 6, 15 })))
    local square = native.buffer(type, { 1, 2, 3, 4 })
    t.equal(list(native.matmul(square, square)), list(native.buffer(type, { 7, 10, 15, 22 })))
    local out = native.buffer(type, 4)
    t.equal(native.matmul(square, square, 2, 2, 2, out), out)
    t.raises("other memory", native.matmul, square, square, 2, 2, 2, square)
    t.raises("are no", native.matmul, a, square, 2)
  end
  local six = native.buffer("f64", 6)
  t.raises("give m", native.matmul, six, six)
  t.raises("give m", native.matmul, native.buffer("f64", 4), native.buffer("f64", 9))
  t.equal(#native.matmul(six, six, nil, 3), 4)
  t.raises("other memory", native.matmul, six:view(1, 4), six:view(1, 4), 2, 2, 2, six:view(3))
  t.raises("f64 or f32", native.matmul, native.buffer("i32", 4), native.buffer("i32", 4))
end)

t.test("matmul of large matrices agrees with sums of products", function()
  local n = 130
  local a, b = native.buffer("f64", n * n), native.buffer("f64", n * n)
  for i = 1, n * n do a[i], b[i] = i % 7, i % 11 end
  local c = native.matmul(a, b)
  for _, at in ipairs { { 0, 0 }, { 64, 65 }, { 129, 129 } } do
    local s = 0
    for k = 0, n - 1 do s = s + a[at[1] * n + k + 1] * b[k * n + at[2] + 1] end
    t.equal(c[at[1] * n + at[2] + 1], s)
  end
end)

t.test("count_primes counts primes", function()
  for n, count in pairs { [-5] = 0, [0] = 0, [1] = 0, [2] = 1, [3] = 2, [10] = 4, [100] = 25, [10000] = 1229 } do
    t.equal(native.count_primes(n), count)
  end
  t.equal(native.count_primes(100.9), 25)
  t.raises("at most", native.count_primes, 0 / 0)
  t.raises("negative", native.spin, -1)
end)

-- Long work; each is begun in a thread, and does not end by itself before it is stopped.
local long = {
  spin = function() native.spin(1000) end,
  count_primes = function() native.count_primes(1e12) end,
  sha256 = function()
    local b = native.buffer("u8", 64 << 20)
    while true do native.sha256(b) end
  end,
  compress = function()
    local b = native.buffer("u8", 32 << 20)
    while true do native.compress(b) end
  end,
  matmul = function()
    local b = native.buffer("f64", 1500 * 1500)
    while true do native.matmul(b, b) end
  end,
}

for name, work in pairs(long) do
  t.test(name .. " lets others run meanwhile, and a cancel stops it", function()
    local worker = threading.start(work)
    t.equal(worker:join(0.02), false)
    local n = 0
    for i = 1, 100000 do n = n + i end
    t.equal(n, 5000050000)
    worker:cancel()
    t.equal(worker:join(t.limit), true)
    t.raises_kind("cancelled", worker.result, worker)
  end)
end

t.test("Ctrl-C stops native work of the main thread", function()
  local text = t.run { "-e", [[
    local threading, time, native = require "gilua.threading", require "gilua.time", require "gilua.native"
    threading.Timer(0.05, function() io.popen("kill -INT " .. io.open("/proc/self/stat"):read("n")):close() end):start()
    print(pcall(native.spin, 1000))]] }
  t.equal(text:match("interrupted") ~= nil, true, text)
end)

t.test("native work in a finalizer keeps the lock and ends", function()
  local done
  setmetatable({}, { __gc = function() done = native.count_primes(20000) native.sort(native.buffer("f64", 5000)) end })
  collectgarbage()
  collectgarbage()
  t.equal(done, 2262)
end)

t.test("threads work on buffers of their own and on shared ones, at tiny intervals", function()
  t.at_intervals(function()
    local shared = native.buffer("f64", 20000):fill(1)
    t.join(t.start(4, function(i)
      for k = 1, 20 do
        local own = native.buffer("i32", 3000):fill(i)
        t.equal(native.sum(own), 3000 * i)
        t.equal(native.sum(shared), 20000.0)
        t.equal(#native.decompress(native.compress(own, { level = 1 })), 12000)
        t.equal(native.dot(shared, shared), 20000.0)
        local v = shared:view(k, k + 9)
        t.equal(#v, 10)
        v:free()
        native.sort(own)
      end
    end))
    shared:free()
  end, { 1e-6, 2e-4 })
end)

t.finish()
