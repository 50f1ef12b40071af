-- Random values, and whether one is a copy of another: with what it shares, its cycles, holes and kinds of numbers.
local graphs = {}

local edge_numbers = { 0, -1, 127, 128, -128, -129, 255, 256, 65535, 65536, -32769, 1 << 31, 1 << 40, math.maxinteger,
  math.mininteger, 0.0, -0.0, 1.0, 0.5, -2.5, 1e300, 5e-324, 2 ^ 53, 2 ^ 63, 1 / 0, -1 / 0, 0 / 0 }
local edge_strings = { "", "0", "1", "2", "03", "-1", "1.0", "1e1", "0x10", " 1", "nil", "n", "\0", "\255\254", ("k"):rep(31),
  ("k"):rep(32), ("k"):rep(40), ("k"):rep(41), ("k"):rep(300) }

local function pick(list) return list[math.random(#list)] end

local function scalar()
  local kind = math.random(6)
  if kind == 1 then return math.random(-300, 300) end
  if kind == 2 then return pick(edge_numbers) end
  if kind == 3 then return pick(edge_strings) end
  if kind == 4 then return math.random(2) == 1 end
  if kind == 5 then return "s" .. math.random(40) end
  return math.random()
end

-- A list as a constructor makes it, nils included, or by assignment in any order.
local function list(value)
  local n, kind = math.random(0, 12), math.random(4)
  if kind == 1 then return table.pack(value(), nil, value(), nil, nil, value()) end
  if kind == 2 then return { value(), nil, value(), value(), nil } end
  local v, from, to, step = {}, 1, n, 1
  if kind == 3 then from, to, step = n, 1, -1 end
  for i = from, to, step do
    if math.random(6) > 1 then v[i] = value() end
  end
  return v
end

-- A graph of n tables, with some as metatables; or with closures that share variables; or neither. Tables
-- that may be keys have an `id`, by which the keys of a copy are found.
function graphs.random(n, with)
  local nodes, variables = {}, {}
  local function value()
    if #nodes > 0 and math.random(3) == 1 then return pick(nodes) end
    return scalar()
  end
  local function key()
    local kind = math.random(7)
    if kind == 1 then return pick(edge_strings) end
    if kind == 2 then return math.random(-3, 20) end
    if kind == 3 then return math.random(2) == 1 end
    if kind == 4 then return pick { -0.5, 2.5, 1e15, 2 ^ 53, -2 ^ 63, 1 / 0, math.mininteger, math.maxinteger } end
    if kind == 5 and #nodes > 0 then
      local node = pick(nodes)
      if type(node) == "table" and rawget(node, "id") then return node end
    end
    return "f" .. math.random(30)
  end
  local function closure()
    local a, b = value(), value()
    local get, set = function() return a, b end, function(x) a = x end
    variables[#variables + 1] = get
    variables[#variables + 1] = set
    return math.random(2) == 1 and get or set
  end
  for i = 1, n do
    local node
    if with == "functions" and math.random(6) == 1 then
      node = #variables > 0 and math.random(2) == 1 and pick(variables) or closure()
    else
      node = list(value)
      if math.random(3) > 1 then
        node.id = i
        for _ = 1, math.random(0, 12) do node[key()] = value() end
        for _ = 1, math.random(0, 4) do node[key()] = nil end
        node.id = i
      end
    end
    nodes[i] = node
  end
  for _ = 1, n do -- what was made before gets what was made after: cycles
    local node = pick(nodes)
    if type(node) == "table" then node[key()] = pick(nodes) end
    if type(node) == "table" and math.random(8) == 1 then
      local meta = pick(nodes)
      if type(meta) == "table" and with == "metatables" then setmetatable(node, meta) end
    end
  end
  for i, node in ipairs(nodes) do
    if type(node) == "table" and rawget(node, "id") then node.id = i end
  end
  return nodes
end

local function same_scalar(a, b)
  if type(a) == "number" then return math.type(a) == math.type(b) and string.pack("n", a) == string.pack("n", b) end
  return a == b
end

-- Says how b is no copy of a; nil: it is one. A table of a stands for one of b, a variable for one variable.
function graphs.difference(a, b)
  local to, from = {}, {}
  local pending = {}
  local function pair(x, y, path)
    if to[x] == nil and from[y] == nil then
      to[x], from[y] = y, x
      return true
    end
    if to[x] ~= y then error(path .. ": shared otherwise", 0) end
  end
  local function meet(x, y, path)
    if type(x) ~= type(y) then error(("%s: %s, not %s"):format(path, type(y), type(x)), 0) end
    if type(x) ~= "table" and type(x) ~= "function" then
      if not same_scalar(x, y) then error(("%s: %s, not %s"):format(path, y, x), 0) end
    elseif pair(x, y, path) then
      pending[#pending + 1] = { x, y, path }
    end
  end
  local function tables(x, y, path)
    local count, ids = 0, {}
    -- since 5.5 the length of a list with holes depends on where it was asked for before
    if rawlen(x) ~= rawlen(y) and _VERSION == "Lua 5.4" then
      error(("%s: length %d, not %d"):format(path, rawlen(y), rawlen(x)), 0)
    end
    for k in next, y do
      count = count + 1
      if type(k) == "table" then ids[rawget(k, "id")] = k end
    end
    for k, v in next, x do
      count = count - 1
      local other = k
      if type(k) == "table" then
        other = ids[rawget(k, "id")]
        if other == nil then error(path .. ": a table as key is missing", 0) end
        meet(k, other, path .. " key")
      end
      meet(v, rawget(y, other), ("%s[%s]"):format(path, tostring(k)))
    end
    if count ~= 0 then error(("%s: %d pairs too many"):format(path, count), 0) end
    meet(debug.getmetatable(x), debug.getmetatable(y), path .. " metatable")
  end
  local function functions(x, y, path)
    for i = 1, 255 do
      local name, v = debug.getupvalue(x, i)
      local _, w = debug.getupvalue(y, i)
      if not name then break end
      if v ~= _G then
        pair(debug.upvalueid(x, i), debug.upvalueid(y, i), path .. " variable " .. name)
        meet(v, w, path .. " upvalue " .. name)
      end
    end
  end
  local ok, why = pcall(function()
    meet(a, b, "value")
    while #pending > 0 do
      local x, y, path = table.unpack(table.remove(pending))
      if type(x) == "table" then tables(x, y, path) else functions(x, y, path) end
    end
  end)
  return not ok and why or nil
end

return graphs
