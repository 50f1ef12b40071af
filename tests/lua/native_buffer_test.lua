-- gilua.native.buffer: typed arrays outside the Lua heap.
local t = require "testing"
local native = require "gilua.native"
local threading = require "gilua.threading"

local function list(b) return table.concat(b:totable(), " ") end

local limits = { i64 = { math.mininteger, math.maxinteger }, i32 = { -2147483648, 2147483647 }, u8 = { 0, 255 } }

for _, type in ipairs { "f64", "f32", "i64", "i32", "u8" } do
  t.test("a buffer of " .. type .. " begins with zeros and keeps what is stored", function()
    local b = native.buffer(type, 3)
    t.equal(#b, 3)
    t.equal(b.type, type)
    t.equal(b.nbytes, 3 * b.itemsize)
    for i = 1, 3 do t.equal(b[i], 0) end
    for i = 1, 3 do b[i] = i * 7 end
    t.equal(b[1] + b[2] + b[3], 42)
    t.equal(math.type(b[1]), type:sub(1, 1) == "f" and "float" or "integer")
  end)

  t.test("a buffer of " .. type .. " refuses indexes outside", function()
    local b = native.buffer(type, 3)
    for _, i in ipairs { 0, 4, -1, math.maxinteger, math.mininteger } do
      t.raises("index .* is out of range %(1 to 3%)", function() return b[i] end)
      t.raises("out of range", function() b[i] = 1 end)
    end
    t.raises("no field '1.5'", function() return b[1.5] end)
    t.raises("no field 'colour'", function() return b.colour end)
    t.raises("no field 'colour'", function() b.colour = 1 end)
  end)
end

for type, limit in pairs(limits) do
  t.test("a buffer of " .. type .. " refuses values that do not fit", function()
    local b = native.buffer(type, 1)
    for _, v in ipairs(limit) do
      b[1] = v
      t.equal(b[1], v)
    end
    for _, v in ipairs { 1.5, "x", {}, 2.0 ^ 70, 0 / 0 } do t.raises("bad value for element 1", function() b[1] = v end) end
    if type ~= "i64" then
      t.raises("bad value", function() b[1] = limit[1] - 1 end)
      t.raises("bad value", function() b[1] = limit[2] + 1 end)
    end
    t.equal(b[1], limit[2])
  end)
end

t.test("a buffer is made of a length, a list, bytes or another buffer", function()
  t.equal(list(native.buffer("i32", { 1, 2, 3 })), "1 2 3")
  t.equal(list(native.buffer("u8", "AB")), "65 66")
  t.equal(list(native.buffer("f64", native.buffer("u8", "AB"))), "65.0 66.0")
  t.equal(#native.buffer("f64", 0), 0)
  t.raises("must not be negative", native.buffer, "f64", -1)
  t.raises("unknown type 'f16'", native.buffer, "f16", 1)
  t.raises("cannot be that long", native.buffer, "f64", math.maxinteger)
  t.raises("no multiple", native.buffer, "i32", "12345")
  t.raises("does not fit", native.buffer, "u8", native.buffer("i32", { 256 }))
  t.raises("list, string or buffer expected", native.buffer("u8", 1).assign, native.buffer("u8", 1), 1, true)
end)

t.test("fill, assign, move, sub, copy, tostring and totable work on ranges", function()
  local b = native.buffer("i32", 5)
  t.equal(list(b:fill(7)), "7 7 7 7 7")
  t.equal(list(b:fill(1, 2, -2)), "7 1 1 1 7")
  t.equal(list(b:fill(9, 6)), "7 1 1 1 7")
  t.equal(list(b:assign(2, { 4, 5 })), "7 4 5 1 7")
  t.raises("more values than fit", b.assign, b, 5, { 1, 2 })
  t.raises("more values than fit", b.assign, b, 0, { 1 })
  t.equal(list(b:move(1, 3, 2)), "7 7 4 5 7")
  t.equal(list(b:move(1, 2, 1, native.buffer("f64", 2))), "7.0 7.0")
  t.raises("not inside", b.move, b, 1, 6, 1)
  t.equal(list(b:sub(-2)), "5 7")
  t.equal(list(b:sub(4, 3)), "")
  t.equal(b:copy() == b, true)
  t.equal(b:copy() == b:sub(2), false)
  t.equal(native.buffer("u8", "hello"):tostring(2, 3), "el")
  t.equal(b:tostring(), string.pack("i4i4i4i4i4", 7, 7, 4, 5, 7))
  local seen = {}
  for i, v in pairs(b) do seen[i] = v end
  t.equal(table.concat(seen, " "), "7 7 4 5 7")
end)

t.test("resize keeps what was there and adds zeros", function()
  local b = native.buffer("u8", "abc")
  t.equal(b:resize(5):tostring(), "abc\0\0")
  t.equal(b:resize(1):tostring(), "a")
  t.equal(b:resize(0):tostring(), "")
  t.equal(b:resize(2):tostring(), "\0\0")
end)

t.test("a view shares the memory and keeps it in place", function()
  local b = native.buffer("i64", { 1, 2, 3, 4 })
  local v = b:view(2, 3)
  v[1] = 20
  t.equal(b[2], 20)
  t.equal(list(v), "20 3")
  t.raises("in use", b.resize, b, 9)
  t.raises("in use", b.free, b)
  t.raises("cannot be resized", v.resize, v, 1)
  v:free()
  b:resize(9)
  local w = b:view(9)
  b = nil
  collectgarbage()
  t.equal(w[1], 0)
end)

t.test("a freed buffer is refused everywhere", function()
  local b = native.buffer("f64", 4)
  b:free()
  b:free()
  t.equal(#b, 0)
  t.raises("was freed", function() return b[1] end)
  t.raises("was freed", b.fill, b, 1)
  t.raises("was freed", native.sum, b)
  do local c <close> = native.buffer("u8", 1) b = c end
  t.raises("was freed", b.tostring, b)
end)

t.test("a buffer that native code uses is neither freed nor resized", function()
  local b = native.buffer("f64", 2000000)
  for i = 1, #b, 7 do b[i] = i % 1000 end
  local refused = false
  local sorter = threading.start(function() repeat native.sort(b) until refused end)
  t.eventually(function()
    refused = not pcall(b.resize, b, #b)
    return refused
  end, "a resize to be refused")
  t.join { sorter }
  b:free()
end)

t.test("dropped buffers are collected although Lua's heap is small", function()
  collectgarbage()
  local alive, most = setmetatable({}, { __mode = "v" }), 0
  for i = 1, 2000 do
    alive[i] = native.buffer("u8", 1 << 20)
    local n = 0
    for _ in pairs(alive) do n = n + 1 end
    if n > most then most = n end
  end
  t.near(most, 1, 50, "buffers of 1 MiB that exist at a time")
end)

t.test("a stopped collector is left alone by buffers", function()
  collectgarbage("stop")
  local gone = false
  setmetatable({}, { __gc = function() gone = true end })
  for _ = 1, 50 do native.buffer("u8", 1 << 20) end
  t.equal(gone, false)
  collectgarbage("restart")
end)

t.test("places at the ends of the integers are outside", function()
  local b = native.buffer("f64", 4)
  for _, at in ipairs { math.mininteger, math.maxinteger, -1, 0, 6 } do
    t.raises("more values than fit", b.assign, b, at, { 1 })
    t.raises("more values than fit", b.move, b, 1, 2, at)
    t.raises("range is not inside", b.move, b, at == 6 and 0 or at, math.maxinteger, 1)
  end
end)

t.test("a finalizer that resizes a buffer amid a call is an error, or comes too late", function()
  for _, f in ipairs {
    function(b) return b:copy() end, function(b) return b:view() end, function(b) return b:totable() end,
    function(b) return native.matmul(b, b, 10) end, function(b) return native.buffer("f64", b) end,
  } do
    for _ = 1, 100 do
      local b = native.buffer("f64", 100)
      setmetatable({}, { __gc = function() pcall(b.resize, b, 1) end })
      local ok, e = pcall(f, b)
      t.equal(ok or e:find "by a finalizer" ~= nil or e:find "elements" ~= nil, true, e)
    end
  end
end)

t.finish()
