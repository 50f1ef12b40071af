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
    t.raises("field 'level'", native.compress, s, { format = format, level = 99 })
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

t.test("zeros between and behind the members of gzip are passed over", function()
  local o = { format = "gzip" }
  local one, two, zeros = native.compress("one ", o), native.compress("two", o), ("\0"):rep(512)
  t.equal(native.decompress(one .. zeros), "one ")
  t.equal(native.decompress(one .. "\0" .. two .. zeros), "one two")
  t.equal(native.decompress(one .. native.compress("", o) .. zeros), "one ")
  t.raises("other data follows", native.decompress, one .. zeros .. "tail")
  t.raises("other data follows", native.decompress, native.compress("one", { format = "zlib" }) .. zeros)
end)

t.test("frames of zstd that are to be skipped are, wherever they stand", function()
  local frame = native.compress("text", { format = "zstd" })
  local skipped = ("<I4s4"):pack(0x184D2A5F, "anything")
  local empty = ("<I4s4"):pack(0x184D2A50, "")
  t.equal(native.decompress(skipped .. frame), "text")
  t.equal(native.decompress(frame .. empty .. frame .. skipped), "texttext")
  t.equal(native.decompress(empty .. skipped), "")
  t.equal(native.decompress(native.compress("", { format = "zstd" }) .. frame), "text")
  t.raises("ends too early", native.decompress, skipped:sub(1, -2))
end)

t.test("what needs a dictionary or a wide window says so", function()
  t.raises("needs the dictionary", native.decompress, "\x78\xbb\x02\x64\x01\x45", { format = "zlib" })
  t.raises("needs the dictionary", native.decompress, "\x28\xb5\x2f\xfd\x21\x05\x00\x01\x00\x00")
  t.raises("window", native.decompress, "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")
end)

t.racing("what others write meanwhile is compressed to something that is whole", function()
  local n = 1 << 19
  local b, stop = native.buffer("u8", n), false
  local writer = t.start(1, function()
    while not stop do b:fill(math.random(0, 255)) b:fill(7, n // 3) b:move(1, n // 2, n // 3) end
  end)
  for _ = 1, t.hostile and 1 or 5 do
    for _, format in ipairs { "zlib", "gzip", "deflate", "zstd" } do
      t.equal(#native.decompress(native.compress(b, { format = format, level = 1 }), { format = format }), n)
    end
  end
  stop = true
  t.join(writer)
end)

t.test("a bomb does not come out", function()
  local bomb = native.compress(native.buffer("u8", 200 << 20), { format = "zstd" })
  t.equal(#bomb < 100000, true)
  t.raises("max_size = 1000000 bytes", native.decompress, bomb, { max_size = 1000000 })
end)

t.test("options are checked", function()
  t.raises("table expected", native.compress, "x", 5)
  t.raises("field 'format'", native.compress, "x", { format = "rar" })
  t.raises("field 'max_size'", native.decompress, "x", { max_size = -1 })
  t.raises("string or buffer expected", native.compress, nil)
end)

t.finish()
