-- gilua.native against the same written in Lua: random types, lengths, ranges, contents. Arguments: seed, rounds.
local t = require "testing"
local native = require "gilua.native"

local seed, rounds = tonumber(arg[1]) or 7, tonumber(arg[2]) or (t.hostile and 3 or 60)
local random = math.random
local types = { "f64", "f32", "i64", "i32", "u8" }
local lowest = { i64 = math.mininteger, i32 = -(1 << 31), u8 = 0 }
local highest = { i64 = math.maxinteger, i32 = (1 << 31) - 1, u8 = 255 }

local function is_real(type) return type:sub(1, 1) == "f" end

local function number(type)
  local small = random(3) == 1
  if not is_real(type) then
    if small then return random(0, 3) end
    return random(lowest[type], highest[type])
  end
  local n = random(30)
  if n == 1 then return 1 / 0 elseif n == 2 then return -1 / 0 elseif n == 3 then return -0.0 end
  return (small and random(-3, 3) or random(-(1 << 22), 1 << 22)) * 2.0 ^ random(-8, 8)
end

local function numbers(type, n)
  local list = {}
  for i = 1, n do list[i] = number(type) end
  return list
end

local function length() return random(4) == 1 and random(0, 5000) or random(0, 40) end

local function same(b, list)
  t.equal(#b, #list)
  for i, x in ipairs(list) do t.equal(b[i], x, i) end
end

local function to_f32(x) return ("f"):unpack(("f"):pack(x)) end

-- The values as a buffer of the type has them.
local function stored(type, list)
  if type ~= "f32" then return list end
  local result = {}
  for i, x in ipairs(list) do result[i] = to_f32(x) end
  return result
end

local function range(n) -- as string.sub takes it: first, last; and what it means
  local i, j = random(-n - 2, n + 2), random(-n - 2, n + 2)
  local first = i < 0 and math.max(n + i + 1, 1) or math.max(i, 1)
  local last = j < 0 and n + j + 1 or math.min(j, n)
  return i, j, first, last
end

local checks = {}

function checks.sort()
  local type = types[random(5)]
  local list = stored(type, numbers(type, length()))
  local i, j, first, last = range(#list)
  local b = native.buffer(type, list)
  native.sort(b, i, j)
  local part = table.move(list, first, last, 1, {})
  table.sort(part)
  table.move(part, 1, #part, first, list)
  same(b, list)
end

function checks.sum_and_dot()
  local type = types[random(5)]
  local n = length()
  local function finite() -- whose sums are exact
    local list = numbers(type, n)
    if is_real(type) then for k in ipairs(list) do list[k] = random(-1000, 1000) / 8 end end
    return list
  end
  local x, y = finite(), finite()
  local sum, dot = is_real(type) and 0.0 or 0, is_real(type) and 0.0 or 0
  for k = 1, n do sum, dot = sum + x[k], dot + x[k] * y[k] end
  local a, b = native.buffer(type, x), native.buffer(type, y)
  t.equal(native.sum(a), sum)
  t.equal(native.dot(a, b), dot)
end

function checks.matmul()
  local type = types[random(2)]
  local m, k, n = random(12), random(12), random(12)
  local x, y, z = {}, {}, {}
  for i = 1, m * k do x[i] = random(-20, 20) / 4 end
  for i = 1, k * n do y[i] = random(-20, 20) / 4 end
  for i = 0, m - 1 do
    for j = 1, n do
      local s = 0.0
      for l = 0, k - 1 do s = s + x[i * k + l + 1] * y[l * n + j] end
      z[i * n + j] = s
    end
  end
  local a, b = native.buffer(type, x), native.buffer(type, y)
  same(native.matmul(a, b, m, k, n), z)
  same(native.matmul(a, b, m), z)
  same(native.matmul(a, b, nil, k), z)
  local out = native.buffer(type, m * n + 2):fill(7)
  native.matmul(a, b, m, k, n, out:view(2, -2))
  same(out:sub(2, -2), z)
  t.equal(out[1] + out[#out], 14.0)
  if m == k and k == n then same(native.matmul(a, b), z) end
end

function checks.ranges()
  local from, to = types[random(5)], types[random(5)]
  local list = {}
  for i = 1, random(0, 60) do list[i] = random(0, 255) end
  local i, j, first, last = range(#list)
  local b = native.buffer(from, list)
  local part = table.move(list, first, last, 1, {})
  same(b:sub(i, j), part)
  same(b:view(i, j), part)
  same(native.buffer(from, b:tostring(i, j)), part)
  t.equal(table.concat(b:totable(i, j), " "), table.concat(native.buffer(from, part):totable(), " "))
  local other = native.buffer(to, b)
  same(other, list)
  if first <= last then
    b:move(first, last, 1, other)
    table.move(list, first, last, 1)
    same(other, list)
  end
end

-- The digests by their definitions.
local crc_table = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and 0xEDB88320 ~ c >> 1 or c >> 1 end
  crc_table[i] = c
end

local function crc32(s)
  local c = 0xFFFFFFFF
  for i = 1, #s do c = crc_table[(c ~ s:byte(i)) & 255] ~ c >> 8 end
  return c ~ 0xFFFFFFFF
end

local primes, first_bits, K = {}, {}, {}
for n = 2, 311 do
  local prime = true
  for _, p in ipairs(primes) do prime = prime and n % p ~= 0 end
  if prime then primes[#primes + 1] = n end
end
for i, p in ipairs(primes) do
  K[i] = math.floor(p ^ (1 / 3) % 1 * 2 ^ 32)
  first_bits[i] = math.floor(p ^ 0.5 % 1 * 2 ^ 32)
end

local function rotate(x, n) return (x >> n | x << 32 - n) & 0xFFFFFFFF end

local function sha256(s)
  local h = table.move(first_bits, 1, 8, 1, {})
  s = s .. "\128" .. ("\0"):rep((55 - #s) % 64) .. (">I8"):pack(#s * 8)
  for at = 1, #s, 64 do
    local w = { (">" .. ("I4"):rep(16)):unpack(s, at) }
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      w[i] = (w[i - 16] + (rotate(x, 7) ~ rotate(x, 18) ~ x >> 3) + w[i - 7] + (rotate(y, 17) ~ rotate(y, 19) ~ y >> 10)) &
        0xFFFFFFFF
    end
    local v = table.move(h, 1, 8, 1, {})
    for i = 1, 64 do
      local a, e = v[1], v[5]
      local t1 = v[8] + (rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)) + (e & v[6] ~ ~e & v[7]) + K[i] + w[i]
      local t2 = (rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)) + (a & v[2] ~ a & v[3] ~ v[2] & v[3])
      table.move(v, 1, 7, 2)
      v[5], v[1] = (v[5] + t1) & 0xFFFFFFFF, (t1 + t2) & 0xFFFFFFFF
    end
    for i = 1, 8 do h[i] = (h[i] + v[i]) & 0xFFFFFFFF end
  end
  return ("%08x"):rep(8):format(table.unpack(h))
end

local function bytes()
  local list = {}
  for i = 1, length() // 4 do list[i] = string.char(random(0, random(2) == 1 and 255 or 1)) end
  return table.concat(list)
end

function checks.digests()
  local s = bytes()
  t.equal(native.crc32(s), crc32(s))
  t.equal(native.sha256(s), sha256(s))
  t.equal(native.sha256(native.buffer("u8", s)), sha256(s))
  local cut = random(0, #s)
  t.equal(native.crc32(s:sub(cut + 1), native.crc32(s:sub(1, cut))), crc32(s))
end

function checks.compression()
  local all, format = "", ({ "zlib", "gzip", "deflate", "zstd" })[random(4)]
  local packed = {}
  for i = 1, (format == "gzip" or format == "zstd") and random(3) or 1 do
    local s = bytes():rep(random(0, 50))
    local input = random(2) == 1 and native.buffer("u8", s) or s
    packed[i] = native.compress(input, { format = format, level = random(0, 9) })
    all = all .. s
  end
  local c = table.concat(packed)
  t.equal(native.decompress(c, { format = format }) == all, true)
  t.equal(native.decompress(native.buffer("u8", c), { format = format, buffer = true }) == native.buffer("u8", all), true)
  if #all > 0 then t.raises("max_size", native.decompress, c, { format = format, max_size = #all - 1 }) end
  if #c > 0 then t.raises("decompress:", native.decompress, c:sub(1, random(#packed[1]) - 1), { format = format }) end
end

for name, check in pairs(checks) do
  t.test("native agrees with Lua: " .. name:gsub("_", " "), function()
    for round = 1, rounds do
      math.randomseed(seed + round)
      local ok, problem = pcall(check)
      if not ok then error(("seed %d: %s"):format(seed + round, problem), 0) end
    end
  end)
end

t.finish()
