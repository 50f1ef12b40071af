-- Are two values alike? A walk that knows sharing: what is one object on the left is one on the right, and the reverse.
--
--   local walk = same.new()
--   walk:pair(a, b)      -- a and b were made alike; notes which object of b stands for which of a, captured ones too
--   walk:check(x, y)     -- x may hold objects of a, y those of b: its functions and metatables must be these very ones
--
-- Both raise an error that has the path to the first difference. Tables that are keys are told apart by their field `id`.
local same = {}
same.__index = same

local atomic = { ["nil"] = true, boolean = true, number = true, string = true, thread = true }

-- with: also walk into functions and compare what they capture
function same.new() return setmetatable({ right = {}, left = {}, paired = {} }, same) end

local function bits(x) return math.type(x) == "float" and string.pack("d", x) or x end

local function show(x)
  if type(x) == "string" then return ("%q (%d bytes)"):format(x:sub(1, 100), #x) end
  return type(x) == "number" and ("%s %s"):format(math.type(x), x) or tostring(x)
end

local function differ(path, x, y) error(("%s: %s and %s"):format(path, show(x), show(y)), 0) end

-- What the key stands for on the other side.
local function key_of(walk, k, y, path)
  if type(k) ~= "table" then return walk.right[k] or k end
  if walk.right[k] ~= nil then return walk.right[k] end
  for other in next, y do
    if type(other) == "table" and rawget(other, "id") == rawget(k, "id") then return other end
  end
  error(path .. ": no key with id " .. show(rawget(k, "id")), 0)
end

local function note(walk, x, y, path)
  if walk.left[y] ~= nil and walk.left[y] ~= x then error(path .. ": shared where it was not", 0) end
  walk.right[x], walk.left[y] = y, x
end

local function size(x)
  local n = 0
  for _ in next, x do n = n + 1 end
  return n
end

local walk_value

local function walk_table(walk, x, y, path)
  if size(x) ~= size(y) then error(("%s: %d and %d fields"):format(path, size(x), size(y)), 0) end
  for k, v in next, x do
    local inner = ("%s[%s]"):format(path, show(k))
    local other = key_of(walk, k, y, inner)
    if type(k) == "table" then walk_value(walk, k, other, inner .. " (key)") end
    walk_value(walk, v, rawget(y, other), inner)
  end
  local mx, my = debug.getmetatable(x), debug.getmetatable(y)
  walk_value(walk, mx, my, path .. " metatable")
  if walk.paired[mx] and walk.strict and my ~= walk.paired[mx] then error(path .. ": a copy of its metatable", 0) end
end

local function walk_function(walk, x, y, path)
  if walk.strict and walk.paired[x] then return differ(path .. " (the function that was sent)", x, y) end
  local a, b = debug.getinfo(x, "Su"), debug.getinfo(y, "Su")
  if a.what == "C" or b.what == "C" then differ(path, x, y) end
  if a.nups ~= b.nups or string.dump(x) ~= string.dump(y) then error(path .. ": other code", 0) end
  for i = 1, a.nups do
    local name, v = debug.getupvalue(x, i)
    local _, w = debug.getupvalue(y, i)
    local ux, uy = debug.upvalueid(x, i), debug.upvalueid(y, i)
    local inner = ("%s upvalue %s"):format(path, name)
    if walk.right[ux] ~= nil and walk.right[ux] ~= uy then error(inner .. ": not the shared variable", 0) end
    note(walk, ux, uy, inner)
    walk_value(walk, v, w, inner)
  end
end

local function walk_buffer(walk, x, y, path)
  if x.type ~= y.type or #x ~= #y or x:tostring() ~= y:tostring() then error(path .. ": other contents", 0) end
end

function walk_value(walk, x, y, path)
  if type(x) ~= type(y) or math.type(x) ~= math.type(y) then differ(path, x, y) end
  if atomic[type(x)] then
    if bits(x) ~= bits(y) then differ(path, x, y) end
    return
  end
  if walk.right[x] ~= nil then
    if walk.right[x] ~= y then error(path .. ": another object than elsewhere", 0) end
    return
  end
  if rawequal(x, y) and not walk.paired[x] then return note(walk, x, y, path) end
  if type(x) == "function" then
    note(walk, x, y, path)
    return walk_function(walk, x, y, path)
  end
  note(walk, x, y, path)
  if type(x) == "table" then return walk_table(walk, x, y, path) end
  walk_buffer(walk, x, y, path)
end

function same:pair(x, y)
  walk_value(self, x, y, "value")
  for k, v in pairs(self.right) do
    if type(k) == "function" or type(k) == "table" then self.paired[k] = v end
  end
end

-- Afterwards tables may have become others: only functions and metatables stay what they are. shared: all do.
function same:check(x, y, shared)
  local check = same.new()
  check.paired, check.strict = self.paired, true
  for k, v in pairs(self.paired) do
    if shared or type(k) == "function" then check.right[k], check.left[v] = v, k end
  end
  walk_value(check, x, y, "result")
end

return same
