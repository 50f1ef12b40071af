-- native.compress and native.decompress.
local t = require "testing"
local native = require "gilua.native"

local samples = { "", "a", ("hello "):rep(60000), native.buffer("u8", 300000):tostring() }
do
  local noise = {}
  for i = 1, 70000 do noise[i] = string.char(math.random(0, 255)) end
  samples[#samples + 1] = table.concat(noise)
end

for _, format in ipairs { "zlib", "gzip", "deflate", "zstd" } do
  local options = { format = format }

  t.test(format .. " gives back what was compressed", function()
    for _, s in ipairs(samples) do
      local c = native.compress(s, options)
      t.equal(native.decompress(c, options) == s, true)
      if format ~= "deflate" then t.equal(native.decompress(c) == s, true, "the format by its first bytes") end
      local b = native.decompress(native.compress(native.buffer("u8", s), { format = format, buffer = true }),
        { format = format, buffer = true })
      t.equal(b:tostring() == s, true)
    end
  end)

  t.test(format .. " takes levels, and stops at max_size", function()
    local s = samples[3]
    local c = native.compress(s, { format = format, level = 9 })
    t.equal(#c < #s // 50, true)
    t.equal(native.decompress(c, { format = format, max_size = #s }) == s, true)
    for _, size in ipairs { 0, 1, 4096, #s - 1 } do
      t.raises("more than max_size = " .. size, native.decompress, c, { format = format, max_size = size })
    end
    t.raises("option 'level'", native.compress, s, { format = format, level = 99 })
  end)

  t.test(format .. " refuses damaged, truncated and trailing data", function()
    local c = native.compress(samples[3], options)
    for _, n in ipairs { 1, 5, #c // 2, #c - 1 } do t.raises("ends too early", native.decompress, c:sub(1, n), options) end
    t.raises("decompress: ", native.decompress, c .. "tail", options)
    t.raises("decompress: ", native.decompress, "nonsense, really", options)
    t.raises("ends too early", native.decompress, "", options)
    for _ = 1, 300 do
      local at = math.random(#c)
      pcall(native.decompress, c:sub(1, at - 1) .. string.char(math.random(0, 255)) .. c:sub(at + 1), options)
    end
  end)
end

t.test("members of gzip and frames of zstd follow one another", function()
  for _, format in ipairs { "gzip", "zstd" } do
    local o = { format = format }
    t.equal(native.decompress(native.compress("one ", o) .. native.compress("two", o)), "one two")
  end
end)

t.test("a bomb does not come out", function()
  local bomb = native.compress(native.buffer("u8", 200 << 20), { format = "zstd" })
  t.equal(#bomb < 100000, true)
  t.raises("max_size = 1000000 bytes", native.decompress, bomb, { max_size = 1000000 })
end)

t.test("options are checked", function()
  t.raises("table expected", native.compress, "x", 5)
  t.raises("option 'format'", native.compress, "x", { format = "rar" })
  t.raises("option 'max_size'", native.decompress, "x", { max_size = -1 })
  t.raises("string or buffer expected", native.compress, nil)
end)

t.finish()
