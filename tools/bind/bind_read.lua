-- Reads annotated prototypes into a list of functions: what each parameter is for, as the writer needs it.
local integers, reals = {}, { float = "f32", double = "f64" }
for names, element in pairs {
  ["char|signed char|short|unsigned short|long long|unsigned long long|int16_t|uint16_t"] = false,
  ["int|unsigned|unsigned int|int32_t|uint32_t"] = "i32", ["unsigned char|int8_t|uint8_t"] = "u8",
  ["long|unsigned long|int64_t|uint64_t|size_t|ssize_t|ptrdiff_t"] = "i64",
} do
  for name in names:gmatch("[^|]+") do integers[name] = element or "" end
end

local function trim(s) return (s:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- "a; b: c" -> { a = true, b = "c" }; the separators were replaced by \1, so that a ";" ends a prototype.
local function annotations(text)
  local found = {}
  for part in (text or ""):gmatch("[^\1]+") do
    local key, value = part:match("^%s*([%a ]-)%s*:%s*(.-)%s*$")
    if key then found[key] = value else found[trim(part)] = true end
  end
  return found
end

-- Splits at commas that are in no comment.
local function split(text)
  local parts, depth, from, i = {}, 0, 1, 1
  while i <= #text do
    local two = text:sub(i, i + 1)
    if two == "/*" then depth = 1 elseif two == "*/" then depth = 0
    elseif depth == 0 and text:sub(i, i) == "," then parts[#parts + 1], from = text:sub(from, i - 1), i + 1 end
    i = i + 1
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

-- "const unsigned char *data" -> base type, number of stars, const, name
local function declaration(text, where)
  local before, stars, name = trim(text):match("^(.-)([%s%*]+)([%a_][%w_]*)$")
  if not before or before == "" then error(where .. ": cannot read '" .. trim(text) .. "'", 0) end
  local count = select(2, stars:gsub("%*", ""))
  local const = (" " .. before .. " "):find(" const ") ~= nil
  return trim((" " .. before .. " "):gsub(" const ", " "):gsub(" struct ", " struct ")), count, const, name
end

local function known(module, base)
  return integers[module.types[base] or base] ~= nil and "integer" or reals[module.types[base] or base] and "real"
end

local function parameter(module, text, where)
  local comment = text:match("/%*(.-)%*/")
  local base, stars, const, name = declaration(text:gsub("/%*.-%*/", ""), where)
  local a = annotations(comment)
  local p = { name = name, base = base, stars = stars, const = const, c_type = (const and "const " or "") .. base ..
    " " .. ("*"):rep(stars), annotations = a }
  local of = comment and comment:match("length of ([%a_][%w_]*)")
  local real_base = module.types[base] or base
  if of then p.kind, p.of = "length", of
  elseif module.handles[base] and stars == 1 then p.kind = "handle"
  elseif module.handles[base] and stars == 2 and a.out then p.kind = "out handle"
  elseif a["out bytes"] then p.kind = "out bytes"
  elseif a.null then p.kind = "null"
  elseif stars == 1 and (a.out or a.inout) and known(module, base) then p.kind = a.out and "out" or "inout"
  elseif stars == 1 and a.bytes then p.kind = "bytes"
  elseif stars == 1 and a.array then
    p.kind, p.element = "array", reals[real_base] or integers[real_base]
    if (p.element or "") == "" then error(where .. ": no buffer has elements of type " .. base, 0) end
  elseif stars == 1 and real_base == "char" and const then p.kind = "string"
  elseif stars == 0 and known(module, base) then p.kind = "in"
  else error(("%s: parameter '%s' of type '%s' needs an annotation"):format(where, name, trim(p.c_type)), 0) end
  p.number = known(module, base)
  return p
end

local function check_lengths(f, where)
  local by_name = {}
  for _, p in ipairs(f.parameters) do by_name[p.name] = p end
  for _, p in ipairs(f.parameters) do
    if p.kind == "length" then
      local of = by_name[p.of]
      if not of then error(where .. ": '" .. p.name .. "' is the length of nothing", 0) end
      of.length = p
      if p.stars == 1 and of.kind ~= "out bytes" then error(where .. ": '" .. p.name .. "' should be no pointer", 0) end
    end
  end
  for _, p in ipairs(f.parameters) do
    if (p.kind == "out bytes") and not p.length then error(where .. ": '" .. p.name .. "' has no length", 0) end
  end
end

local function read_function(module, before, result, list, where)
  local base, stars, const, name = declaration(result, where)
  local a = annotations(before)
  local f = { name = name, lua_name = a.name or name:gsub("^" .. module.prefix, ""), base = base, stars = stars,
    const = const, keep = a.gil == true, error = a.error, message = a.message, parameters = {} }
  if a.gil and a.nogil then error(where .. ": gil or nogil", 0) end
  if base == "void" and stars == 0 then f.returns = "nothing"
  elseif stars == 0 and known(module, base) then f.returns = known(module, base)
  elseif stars == 1 and (module.types[base] or base) == "char" and const then f.returns = "string"
  elseif stars == 1 and module.handles[base] then f.returns = "handle"
  else error(where .. ": a result of this type cannot be bound", 0) end
  if f.error and not ({ negative = 1, nonzero = 1, null = 1 })[f.error] then
    error(where .. ": error: negative, nonzero or null", 0)
  end
  if trim(list) ~= "void" and trim(list) ~= "" then
    for _, text in ipairs(split(list)) do f.parameters[#f.parameters + 1] = parameter(module, text, where) end
  end
  check_lengths(f, where)
  return f
end

return function(text, file)
  local module = { includes = {}, handles = {}, types = {}, functions = {}, prefix = "", file = file }
  text = text:gsub("//[^\n]*", "")
  text = text:gsub("\n%s*(#include[^\n]*)", function(line) table.insert(module.includes, line) return "\n" end)
  text = text:gsub("^(#include[^\n]*)", function(line) table.insert(module.includes, line) return "" end)
  -- directives: comments of their own that end in nothing but a new line
  text = text:gsub("/%*%s*(%a+):%s*([^*]-)%s*%*/[ \t]*\n[ \t]*\n", function(key, value)
    if key == "module" or key == "prefix" then module[key] = value
    elseif key == "handle" then
      local name, close = value:match("^(.-)%s+closed by%s+([%w_]+)$")
      if not name then error(file .. ": handle: TYPE closed by FUNCTION", 0) end
      module.handles[name] = close
    elseif key == "type" then
      local name, is = value:match("^([%w_ ]-)%s+is%s+([%w_ ]+)$")
      if not name then error(file .. ": type: NAME is TYPE", 0) end
      module.types[name] = is
    else return end
    return "\n"
  end)
  text = text:gsub("/%*.-%*/", function(comment) return (comment:gsub(";", "\1")) end)
  module.module = module.module or file:match("^[%w_]+")
  for statement in text:gmatch("([^;]-%b()%s*);") do
    local before, rest = statement:match("^%s*/%*(.-)%*/(.*)$")
    local result, list = (rest or statement):match("^(.-)(%b())%s*$")
    if not result then error(file .. ": cannot read '" .. trim(statement) .. "'", 0) end
    local where = file .. ": " .. (result:match("([%w_]+)%s*$") or "?")
    table.insert(module.functions, read_function(module, before, result, list:sub(2, -2), where))
  end
  if #module.functions == 0 then error(file .. ": no prototypes", 0) end
  return module
end
