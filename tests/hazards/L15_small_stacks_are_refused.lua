-- L15: a stack holds the deepest legal Lua, and one that would not is refused.
local t = require "testing"
local threading = require "gilua.threading"

t.test("stacks under 1 MiB are refused", function()
  t.raises("at least 1 MiB", threading.stack_size, 512 * 1024)
  t.raises("at least 1 MiB", threading.stack_size, -1)
  t.equal(threading.stack_size(), 0)
end)

t.test("C calls nest to Lua's limit in a thread with the least stack", function()
  local old = threading.stack_size(1024 * 1024)
  local function nest(s) return (s:gsub(".", nest)) end
  local parts = {}
  for _ = 1, 180 do parts[#parts + 1] = "(" end
  local deep_code = "return " .. table.concat(parts) .. "1" .. string.rep(")", 180)
  local results = threading.start(function()
    local ok1, err1 = pcall(nest, "x")
    local chain = setmetatable({}, {})
    for _ = 1, 150 do chain = setmetatable({}, { __index = function(_, k) return chain[k] end }) end
    local function deep(n) return n == 0 and 0 or 1 + select(2, pcall(deep, n - 1)) end
    return ok1, err1, load(deep_code)(), deep(150)
  end)
  local ok1, err1, one, depth = results:result()
  threading.stack_size(old)
  t.equal(ok1, false)
  assert(err1:find "stack overflow", err1)
  t.equal(one, 1)
  t.equal(depth, 150)
end)

t.finish()
