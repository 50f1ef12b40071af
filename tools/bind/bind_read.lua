-- Reads annotated prototypes into a list of functions: what each parameter is for, as the writer needs it. Whatever is not
-- understood is an error with its place: nothing is left out.
local names = require "bind_names"
local scan = require "bind_scan"
local trim, split = scan.trim, scan.split

-- Types of numbers: what they are, and the buffer elements of that type.
local numbers, elements = { bool = "boolean", _Bool = "boolean", float = "real", double = "real", ["long double"] = "real" },
  { float = "f32", double = "f64" }
for names, element in pairs {
  ["char|signed char|short|signed short|unsigned short|long long|unsigned long long|int16_t|uint16_t"] = false,
  ["int|signed|unsigned|signed int|unsigned int|int32_t|uint32_t"] = "i32", ["unsigned char|int8_t|uint8_t"] = "u8",
  ["long|signed long|unsigned long|int64_t|uint64_t|size_t|ssize_t|ptrdiff_t|intptr_t|uintptr_t"] = "i64",
} do
  for name in names:gmatch("[^|]+") do
    numbers[name], elements[name] = "integer", element or nil
    if name:find "long" or name:find "short" then
      numbers[name .. " int"], elements[name .. " int"] = "integer", element or nil
    end
  end
end

local bytes_types = { void = 1, char = 1, ["signed char"] = 1, ["unsigned char"] = 1, int8_t = 1, uint8_t = 1 }

local function resolve(module, base) return module.types[base] or base end

local function known(module, base)
  base = resolve(module, base)
  return base:match "^enum%f[%W]" and "integer" or numbers[base]
end

-- C lets the words of an integer's type come in any order, as in "long unsigned int"; here they have one.
local rank = { signed = 1, unsigned = 1, char = 2, short = 2, long = 2, int = 3 }
local function in_order(words)
  for _, word in ipairs(words) do
    if not rank[word] then return words end
  end
  table.sort(words, function(a, b) return rank[a] < rank[b] end)
  return words
end

-- "const unsigned char *data[4]" -> base type, number of stars, const, name, size
local function declaration(text, fail)
  text = trim(text:gsub("%f[%w_]restrict%f[^%w_]", ""):gsub("%f[%w_]__restrict%f[^%w_]", ""))
  local rest, size = text:match("^(.-)%s*%[%s*([%w_]+)%s*%]$")
  local before, stars, name = (rest or text):match("^(.-)([%s%*]+)([%a_][%w_]*)$")
  if not before or before == "" or before:find "[^%w_%s%*]" then fail("cannot read '" .. text .. "' as a type and a name") end
  before = before:gsub("%*%s*const%s*$", "*") -- a pointer that does not change itself
  local more
  before, more = before:match("^(.-)([%s%*]*)$")
  local count = select(2, (more .. stars):gsub("%*", ""))
  local words, const = {}, false
  for word in before:gmatch("%S+") do
    if word == "const" then const = true
    elseif word == "static" or word == "inline" or word == "volatile" or word == "typedef" then
      fail("'" .. word .. "' cannot be bound: give a plain prototype")
    elseif word ~= "extern" then words[#words + 1] = word end
  end
  return table.concat(in_order(words), " "), count, const, name, size
end

local MOST_ELEMENTS = 65536

local parameter_annotations = { out = 1, inout = 1, bytes = 1, array = 1, ["out bytes"] = 1, null = 1, callback = 1 }

local function parameter_annotation(text, fail)
  local found, of
  for comment in text:gmatch("/%*(.-)%*/") do
    comment = trim(comment)
    if found then fail("two annotations, '" .. found .. "' and '" .. comment .. "'") end
    found = comment
    local word, name = comment:match("^(%a+) of ([%a_][%w_]*)$")
    if word == "length" or word == "data" then found, of = word, name
    elseif not parameter_annotations[comment] then
      fail("unknown annotation '" .. comment .. "' (there are: out, inout, bytes, array, out bytes, length of NAME, null, " ..
        "callback, data of NAME)")
    end
  end
  return found, of
end

local function callback_of(module, ret, name, list, fail)
  local p = { name = name, kind = "callback", parameters = {}, users = 0 }
  local base, stars, const = declaration(ret .. " result", fail)
  if base ~= "void" or stars > 0 then
    p.number = stars == 0 and known(module, base) or fail("a callback returns a number, a bool or nothing")
  end
  p.base, p.const = base, const
  for i, text in ipairs(split(list)) do
    if list:match "^%s*void%s*$" or trim(list) == "" then break end
    text = text:gsub("/%*.-%*/", "")
    if not text:match "[%w_]%s*[%*%s]%s*[%a_][%w_]*%s*$" or known(module, trim(text)) then text = text .. " p" .. i end
    local q = {}
    q.base, q.stars, q.const = declaration(text, fail)
    if q.base == "void" and q.stars == 1 then q.kind, p.users = "data", p.users + 1
    elseif q.stars == 0 and known(module, q.base) then q.kind = known(module, q.base)
    elseif q.stars == 1 and resolve(module, q.base) == "char" and q.const then q.kind = "string"
    else fail("parameter " .. i .. " of a callback must be a number, a bool, const char * or the void * of its data") end
    p.parameters[i] = q
  end
  if p.users ~= 1 then fail("callback '" .. name .. "' needs one void *, which brings its data back") end
  return p
end

-- What a parameter is for, by its annotation and type; nil: it cannot be told.
local function kind_of(module, p, annotation)
  local base, number = resolve(module, p.base), known(module, p.base)
  local pointer = p.stars == 1 and not p.size
  if module.handles[p.base] and pointer and not annotation then return "handle" end
  if module.handles[p.base] and p.stars == 2 and annotation == "out" then return "out handle" end
  if p.stars > 0 and annotation == "null" then return "null" end
  if p.stars == 1 and base == "void" and annotation == "data" then return "data" end
  if annotation == "length" and base ~= "bool" and number == "integer" and p.stars <= 1 and not p.size then return "length" end
  if p.size and p.stars == 0 and number then
    if annotation == "out" and not p.const then return base == "char" and "out text" or "out list" end
    if annotation == "out bytes" and not p.const and bytes_types[base] then return "out block" end
    if annotation == "inout" and not p.const then return "inout list" end
    return not annotation and p.const and "list" or nil
  end
  if pointer and annotation == "out bytes" and not p.const and bytes_types[base] then return "out bytes" end
  if pointer and (annotation == "out" or annotation == "inout") and not p.const and number then return annotation end
  if pointer and annotation == "bytes" and bytes_types[base] then return "bytes" end
  if pointer and annotation == "array" and elements[base] then return "array" end
  if pointer and not annotation and base == "char" and p.const then return "string" end
  return p.stars == 0 and not p.size and not annotation and number and "in" or nil
end

local function parameter(module, text, fail)
  local annotation, of = parameter_annotation(text, fail)
  text = text:gsub("/%*.-%*/", " ")
  local ret, callback, list = text:match("^(.-)%(%s*%*%s*([%a_][%w_]*)%s*%)%s*(%b())%s*$")
  if callback then
    names.check_parameter(callback, fail)
    if annotation ~= "callback" then fail("parameter '" .. callback .. "' needs the annotation callback") end
    return callback_of(module, ret, callback, list:sub(2, -2), fail)
  end
  if trim(text) == "..." then fail("functions with '...' cannot be bound: write a function with fixed parameters") end
  local p = { of = of }
  p.base, p.stars, p.const, p.name, p.size = declaration(text, fail)
  names.check_parameter(p.name, fail)
  if p.size then names.check_c(p.size, fail) end
  local size = p.size and math.tointeger(tonumber(p.size))
  if size and (size < 1 or size > MOST_ELEMENTS) then
    fail(("an array of %s elements cannot be bound: from 1 to %d, it lies on the stack"):format(p.size, MOST_ELEMENTS))
  end
  p.c_type = (p.const and "const " or "") .. p.base .. " " .. ("*"):rep(p.stars)
  p.kind = kind_of(module, p, annotation)
  if not p.kind then
    local type = trim(p.c_type) .. (p.size and "[" .. p.size .. "]" or "")
    fail(annotation and ("'%s' does not fit parameter '%s' of type '%s'"):format(annotation, p.name, type)
      or ("parameter '%s' of type '%s' needs an annotation"):format(p.name, type))
  end
  p.number, p.element = known(module, p.base), elements[resolve(module, p.base)]
  return p
end

-- Lengths belong to arrays, data to callbacks.
local function connect(f, fail)
  local by_name = {}
  for _, p in ipairs(f.parameters) do
    if by_name[p.name] then fail("two parameters are named '" .. p.name .. "'") end
    by_name[p.name] = p
  end
  for _, p in ipairs(f.parameters) do
    local of = by_name[p.of]
    if p.kind == "length" then
      local fits = of and (of.kind == "bytes" or of.kind == "array" or of.kind == "out bytes" or of.kind == "string")
      if not fits then fail(("'%s' is the length of nothing: '%s' is no bytes, array or out bytes"):format(p.name, p.of)) end
      of.length = p
      if p.stars == 1 and of.kind ~= "out bytes" then fail("'" .. p.name .. "' should be no pointer") end
    elseif p.kind == "data" then
      if not of or of.kind ~= "callback" then fail("'" .. p.name .. "' is the data of no callback") end
      of.data = p
    end
  end
  for _, p in ipairs(f.parameters) do
    if p.kind == "out bytes" and not p.length then
      fail(("'%s' has no length: annotate one with length of %s"):format(p.name, p.name))
    end
    if p.kind == "callback" and not p.data then
      fail(("'%s' has no data: annotate its void * with data of %s"):format(p.name, p.name))
    end
  end
end

local function function_annotations(comments, fail)
  local found = {}
  for _, comment in ipairs(comments) do
    comment = comment:gsub('"[^"]*"', function(text) return (text:gsub(";", "\1")) end) -- a text of C is one thing
    for part in comment:gmatch("[^;]+") do
      local key, value = part:gsub("\1", ";"):match("^%s*(%a+)%s*:%s*(.-)%s*$")
      part = trim(part)
      key, value = key or part, value ~= "" and value or nil
      if not ({ gil = 0, nogil = 0, name = 1, error = 1, message = 1, free = 1 })[key] or (value ~= nil) ~=
        (key ~= "gil" and key ~= "nogil") then
        fail("unknown annotation '" .. part .. "' (there are: gil, nogil, name: NAME, error: negative, nonzero or null, " ..
          "message: EXPRESSION, free: FUNCTION; text for readers stands behind //)")
      end
      if found[key] then fail("'" .. key .. "' stands twice") end
      found[key] = value or true
    end
  end
  if found.gil and found.nogil then fail("gil or nogil, not both") end
  return found
end

local function returns(module, f, a, fail)
  local base = resolve(module, f.base)
  if base == "void" and f.stars == 0 then return "nothing" end
  if f.stars == 0 and known(module, f.base) then return known(module, f.base) end
  if f.stars == 1 and base == "char" then
    if not f.const and not a.free then
      fail("who frees a char * that is returned? Say free: FUNCTION, or free: nobody if the library keeps it")
    end
    return "string"
  end
  if f.stars == 1 and module.handles[f.base] then return "handle" end
  local type = trim((f.const and "const " or "") .. f.base .. " " .. ("*"):rep(f.stars))
  fail("a result of type '" .. type .. "' cannot be bound" .. (f.stars == 1 and ": declare it as a handle" or ""))
end

local function is_unsigned(base)
  return base:find "unsigned" or base:find "^uint%w+_t$" or base == "size_t"
end

local function check_result(module, f, a, fail)
  local fits = { negative = "integer", nonzero = "integer", null = "pointer" }
  local is = (f.returns == "string" or f.returns == "handle") and "pointer" or f.returns
  if a.error and not fits[a.error] then fail("error: negative, nonzero or null, not '" .. a.error .. "'") end
  if a.error and fits[a.error] ~= is then
    fail(("error: %s does not fit the result, which is no %s"):format(a.error, fits[a.error]))
  end
  if a.error == "negative" and is_unsigned(resolve(module, f.base)) then
    fail("error: negative does not fit the result of type '" .. f.base .. "', which never is")
  end
  if a.message and not a.error then fail("message without error") end
  if a.free and f.returns ~= "string" then fail("free is for a result of type char *") end
end

local function read_function(module, statement, comments, fail)
  local result, list, rest = statement:match("^(.-)(%b())%s*(.*)$")
  if rest ~= "" then fail("cannot read '" .. trim(rest) .. "' behind a prototype") end
  local f = { parameters = {} }
  f.base, f.stars, f.const, f.name, f.size = declaration(result:gsub("/%*.-%*/", " "), fail)
  local function inside(what) fail(f.name .. ": " .. what) end
  local a = function_annotations(comments, inside)
  local bare = f.name:sub(1, #module.prefix) == module.prefix and f.name:sub(#module.prefix + 1) or f.name
  f.lua_name, f.keep, f.error, f.message = a.name or bare, a.gil == true, a.error, a.message
  f.free = a.free ~= "nobody" and a.free or nil
  f.fail = inside
  names.check_c(f.name, inside)
  if f.free then names.check_c(f.free, inside) end
  if not f.lua_name:match "^[%a_][%w_]*$" then inside("'" .. f.lua_name .. "' is no name") end
  names.check_lua(f.lua_name, inside)
  f.returns = returns(module, f, a, inside)
  check_result(module, f, a, inside)
  local inner = list:sub(2, -2)
  if trim(inner) ~= "void" and trim(inner) ~= "" then
    for _, text in ipairs(split(inner)) do f.parameters[#f.parameters + 1] = parameter(module, text, inside) end
  end
  connect(f, inside)
  for _, p in ipairs(f.parameters) do
    if p.kind == "callback" and a.nogil then inside("a callback is called with the lock: leave nogil out") end
    f.keep = f.keep or p.kind == "callback"
  end
  return f
end

-- enum NAME { A, B = 2 }, or a typedef of one: a type, and constants of the module.
local function read_enum(module, statement, fail)
  local plain = statement:gsub("/%*.-%*/", " ")
  local typedef, name, list, alias = plain:match("^(%a*)%s*enum%s*([%w_]*)%s*(%b{})%s*([%w_]*)%s*$")
  if not list or (typedef ~= "" and typedef ~= "typedef") or (typedef == "") ~= (alias == "") then
    fail("cannot read this enum: enum NAME { … }; or typedef enum { … } NAME;")
  end
  if alias ~= "" then module.types[alias] = "enum " .. (name ~= "" and name or alias) end
  for _, item in ipairs(split(list:sub(2, -2))) do
    local constant = item:match "^%s*([%a_][%w_]*)%s*$" or item:match "^%s*([%a_][%w_]*)%s*="
    if constant then
      names.check_c(constant, fail)
      table.insert(module.constants, constant)
    elseif trim(item) ~= "" then fail("cannot read '" .. trim(item) .. "' in an enum") end
  end
end

local directives = {}

local function once(module, what, fail)
  if module.told[what] then fail(what .. " stands twice") end
  module.told[what] = true
end

function directives.module(module, value, fail)
  module.module = value:match "^[%a_][%w_]*$" or fail("module: '" .. value .. "' is no name")
  once(module, "module", fail)
end

function directives.prefix(module, value, fail)
  module.prefix = value
  once(module, "prefix", fail)
end

function directives.handle(module, value, fail)
  local name, close = value:match("^(.-)%s+closed by%s+([%w_]+)$")
  module.handles[name or fail "handle: TYPE closed by FUNCTION"] = close
  names.check_c(name, fail)
  names.check_c(close, fail)
  module.closers = module.closers + 1
  once(module, "handle: " .. name, fail)
end

function directives.type(module, value, fail)
  local name, is = value:match("^([%w_ ]-)%s+is%s+([%w_ ]+)$")
  if not name then fail "type: NAME is TYPE" end
  once(module, "type: " .. name, fail)
  module.types[name] = known(module, is) and resolve(module, is) or fail("type: '" .. is .. "' is no number, bool or enum")
end

return function(text, file)
  local module = { includes = {}, handles = {}, types = {}, functions = {}, constants = {}, prefix = "", file = file, told = {},
    closers = 0 }
  module.module = file:match "^[%a_][%w_]*"
  local taken = {}
  scan.each(text, file, function(kind, value, fail, comments)
    if kind == "include" then table.insert(module.includes, value)
    elseif kind == "directive" then directives[value.key](module, value.value, fail)
    elseif value:gsub("/%*.-%*/", " "):match "^%s*%a*%s*enum%f[%W][%w_%s]*{" then
      if #comments > 0 then function_annotations(comments, fail) fail "annotations stand before prototypes" end
      read_enum(module, trim(value), fail)
    elseif value:find("(", 1, true) and not value:find("{", 1, true) then
      local f = read_function(module, value, comments, fail)
      if taken[f.lua_name] then fail("two functions are named '" .. f.lua_name .. "'") end
      taken[f.lua_name] = true
      table.insert(module.functions, f)
    else
      fail("cannot read '" .. trim(value):sub(1, 60) .. "': only prototypes, enums and #include are; other types are told by " ..
        "/* handle: … */ and /* type: … */")
    end
  end, directives)
  if not module.module then error(file .. ":1: the module has no name: write /* module: NAME */", 0) end
  if #module.functions == 0 then error(file .. ":1: no prototypes", 0) end
  for _, constant in ipairs(module.constants) do
    if taken[constant] then error(("%s:1: a function and a constant are named '%s'"):format(file, constant), 0) end
  end
  names.check_module(module)
  return module
end
