-- gilua.pickle: values that are nested deeper than any stack.
local t = require "testing"
local pickle = require "gilua.pickle"

local function copy(v, options) return pickle.loads(pickle.dumps(v), options) end

t.test("a million nested tables travel", function()
  local n = 1000000
  local root = {}
  local v = root
  for i = 1, n do
    local child = {}
    if i % 2 == 0 then v[1] = child else v.x = child end
    v = child
  end
  v = copy(root)
  for i = 1, n do v = i % 2 == 0 and v[1] or v.x end
  t.equal(next(v), nil)
end)

t.test("a hundred thousand nested tables as keys travel", function()
  local root = {}
  local v = root
  for _ = 1, 100000 do
    local child = {}
    v[child] = true
    v = child
  end
  local depth = 0
  v = copy(root)
  while next(v) do
    v, depth = next(v), depth + 1
  end
  t.equal(depth, 100000)
end)

t.test("a hundred thousand nested functions travel", function()
  local f = function() return 0 end
  for _ = 1, 100000 do
    local inner = f
    f = function() return inner end
  end
  f = copy(f, { functions = true })
  local depth = 0
  while f() ~= 0 do f, depth = f(), depth + 1 end
  t.equal(depth, 100000)
end)

t.test("the path of a value that is nested so deep is short", function()
  local v = coroutine.create(print)
  for _ = 1, 1000000 do v = { v } end
  t.near(#t.raises_kind("pickle", pickle.dumps, v).path, 10, 400)
end)

t.finish()
