-- gilua.pickle: what cannot travel, with its path; bytes that cannot be read, with their offset.
local t = require "testing"
local pickle = require "gilua.pickle"
local threading = require "gilua.threading"

local co = coroutine.create(print)

local function refused(v, path, type_)
  local e = t.raises_kind("pickle", pickle.dumps, v)
  t.equal(e.path, path)
  t.equal(e.type, type_ or "thread")
  t.equal(tostring(e):find(path, 1, true) ~= nil, true)
end

t.test("coroutines, locks, files, threads and nameless C functions are refused", function()
  refused(co, "value")
  refused({ threading.Lock() }, "value[1]", "userdata")
  local file <close> = io.tmpfile()
  refused({ file }, "value[1]", "userdata")
  refused({ threading.Thread {} }, "value[1]", "userdata")
  refused({ ("x"):gmatch "x" }, "value[1]", "function")
  refused({ coroutine.wrap(print) }, "value[1]", "function")
end)

t.test("the path leads to the value", function()
  refused({ 1, 2, { handlers = { on_done = (function()
    local db = co
    return function() return db end
  end)() } } }, 'value[3].handlers.on_done upvalue "db"')
  refused({ ["two words"] = { co } }, 'value["two words"][1]')
  refused({ ["a\"b\n"] = co }, 'value["a\\"b\\010"]')
  refused({ [2.5] = co }, "value[2.5]")
  refused({ [true] = co }, "value[true]")
  refused({ [-3] = { x = co } }, "value[-3].x")
  refused({ [co] = 1 }, "value key")
  refused({ x = { [{ 1, co }] = 1 } }, "value.x key[2]")
  refused({ [{}] = co }, "value[<table>]")
  refused({ setmetatable({}, { x = co }) }, "value[1] metatable.x")
end)

t.test("the path of a deep value is shortened", function()
  local v = co
  for _ = 1, 1000 do v = { v } end
  local e = t.raises_kind("pickle", pickle.dumps, v)
  t.near(#e.path, 10, 300)
  t.equal(e.path:sub(1, 8), "value[1]")
end)

t.test("the writer is usable after an error", function()
  for _ = 1, 100 do t.raises_kind("pickle", pickle.dumps, { "a", "a", "a", { co } }) end
  t.equal(pickle.loads(pickle.dumps { "a", "a", "a" })[3], "a")
end)

t.test("arguments of other types are errors of the call", function()
  t.raises("bad argument #1 to '.*dumps'", pickle.dumps)
  t.raises("bad argument #1 to '.*loads'", pickle.loads)
  t.raises("bad argument #1 to '.*loads'", pickle.loads, {})
  t.raises("bad argument #2 to '.*loads'", pickle.loads, "", 1)
end)

-- Reading

local function damaged(bytes, offset)
  local e = t.raises_kind("pickle", pickle.loads, bytes)
  t.equal(math.type(e.offset), "integer")
  if offset then t.equal(e.offset, offset) end
  t.near(e.offset, 0, #bytes)
end

t.test("another version is refused", function()
  damaged("", 0)
  damaged("\2\1\1", 0)
  damaged("some text", 0)
end)

t.test("a message that ends early is refused wherever it ends", function()
  Class = { __index = {} }
  local bytes = pickle.dumps { 1, -5, 300, 1e9 | 0, 1 << 50, 1.5, "short", ("long"):rep(50), { x = { y = "y" } }, true,
    setmetatable({ "x", "x", "x", "x" }, { 1 }), setmetatable({}, Class) }
  for n = 0, #bytes - 1 do damaged(bytes:sub(1, n)) end
  damaged(bytes .. "\0", #bytes)
  Class = nil
end)

t.test("lengths beyond the message are refused, and cost no memory", function()
  collectgarbage()
  local before = collectgarbage "count"
  damaged "\1\1\xC8\0\xFF\xFF\xFF\xFF"
  damaged "\1\1\xC0\x20\xFF"
  damaged "\1\1\xDA\xFF\xFF\xFF\xFF\x0F"
  damaged "\1\1\xDA\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
  damaged "\1\xFF\xFF\xFF\xFF\x0F"
  damaged("\1\1" .. ("\xC8\0\xE8\x03\0\0"):rep(1000)) -- each announces a thousand
  t.near(collectgarbage "count" - before, -1e9, 1000)
end)

t.test("bad references, keys, metatables and constructors are refused", function()
  damaged "\1\1\xF0\x00"
  damaged "\1\1\xF0\x7F"
  damaged "\1\1\xA0"
  damaged "\1\1\xD9\x05"
  damaged "\1\1\xC0\x01\xD0\x01\xFF"
  damaged("\1\1\xC0\x01\xD7" .. string.pack("<d", 0 / 0) .. "\x01\xFF")
  damaged "\1\1\xC2\x00\x05"
  damaged "\1\1\xE6\x01\x05"
  damaged "\1\1\xE6\x00"
  damaged "\1\1\xEC\x01"
  damaged "\1\1\xE2\x01"
  damaged "\1\1\xF3"
  damaged "\1\1\xCC\x00"
  damaged "\1\1\xE8\x05"
  damaged "\1\1\xE8\x83abc"
  damaged "\1\1\xEA\x86string\x83abc"
end)

t.test("a name does not lead to plain values", function()
  secret = "a password"
  damaged "\1\1\xEA\x82_G\x86secret"
  secret = nil
end)

t.test("random damage gives an error or a value, and memory stays bounded", function()
  math.randomseed(11)
  local bytes = pickle.dumps { 1, { "a", "a", "a", x = { 1.5, -1 } }, setmetatable({}, { 1 }), print,
    ("z"):rep(100), [{ 1 }] = true }
  for _ = 1, 3000 do
    local b = { bytes:byte(1, -1) }
    for _ = 1, math.random(4) do b[math.random(3, #b)] = math.random(0, 255) end
    local ok, e = pcall(pickle.loads, string.char(table.unpack(b)), { names = math.random(2) == 1 })
    if not ok then t.equal(require("gilua").is_error(e, "pickle"), true, tostring(e)) end
  end
end)

t.finish()
