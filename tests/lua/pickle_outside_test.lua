-- gilua.pickle: what bytes from outside can do, when they are loaded without options: give data, and classes of the program.
local t = require "testing"
local pickle = require "gilua.pickle"

-- Traps: functions that must not run, where a name may lead to. Each class also has some that its objects may call.
local sprung
local function trap(name)
  return function()
    sprung = sprung or name
    return true
  end
end

function global_trap() sprung = "global_trap" end
trap_module = { run = trap "module.run", deep = { run = trap "module.deep.run", __mark = 1 }, data = { "data" } }
package.loaded.trap_module = trap_module
package.loaded.trap_function = trap "trap_function"
Class = { new = trap "Class.new", tag = "class" }
Class.__index = Class
Empty = {}
Ended = { __gc = trap "Ended.__gc" }
Closed = { __close = trap "Closed.__close" }
Reduced = { __reduce = function() return global_trap, 1 end }
Secret = { password = "secret" }
Proxy = setmetatable({}, { __index = trap "Proxy.__index", __newindex = trap "Proxy.__newindex", __call = trap "Proxy.__call" })

local function str(s) return string.char(0x80 + #s) .. s end
local function message(body) return "\1\1" .. body end
local function path(...) -- by its keys
  local keys = { ... }
  local head = #keys == 1 and "\xE8" or #keys == 2 and "\xEA" or "\xF4" .. string.char(#keys)
  for i, k in ipairs(keys) do keys[i] = str(k) end
  return head .. table.concat(keys)
end
local function with_meta(meta) return "\xC2\0" .. meta end
local function pairs_of(...) return "\xC0\1" .. table.concat { ... } .. "\xFF" end

-- Does with a value what a program may do with data.
local function use(v, other, seen)
  if type(v) == "function" or type(v) == "userdata" then
    sprung = sprung or "a " .. type(v) .. " came"
    return
  end
  if type(v) ~= "table" or seen[v] or v == _G or v == package.loaded then return end
  seen[v] = true
  local s <close> = setmetatable({}, { __close = function() end })
  pcall(function() return v < other end)
  pcall(function() return v <= other end)
  pcall(function() return v == other end)
  pcall(function() return v .. "x" end)
  pcall(function() return "x" .. v end)
  pcall(function() return v + 1, -v, v & 1 end)
  pcall(function() return #v end)
  pcall(function() return v.anything end)
  pcall(function() v.anything = nil end)
  pcall(function() v() end)
  pcall(tostring, v)
  pcall(table.concat, v)
  pcall(table.sort, v)
  pcall(table.unpack, v)
  pcall(function() local _ <close> = v end)
  pcall(function() for _ in pairs(v) do break end end)
  if v == Class or v == Empty or v == trap_module.deep then return end -- the program's own, and no data
  for k, x in next, v do
    use(k, other, seen)
    use(x, other, seen)
  end
end

local function try(bytes, options)
  sprung = nil
  local ok, v = pcall(pickle.loads, bytes, options)
  if not ok then return nil, v end
  use(v, { 1 }, {})
  v = nil
  collectgarbage()
  return true
end

local function refused(body, why)
  local ok, e = try(message(body))
  t.equal(ok, nil, why)
  t.equal(e.kind, "pickle")
  t.equal(sprung, nil)
end

t.test("functions, modules, the globals, files and data have no names from outside", function()
  for _, body in ipairs { path("_G", "global_trap"), path("trap_function"), path("trap_module", "run"),
    path("trap_module", "deep", "run"), path("_G", "Class", "new"), path("_G", "print"), path("string"), path("string", "rep"),
    path("os"), path("_G"), "\xF1", path("package", "loaded"), path("io", "stdout"), path("_G", "Secret"),
    path("trap_module"), path("trap_module", "data"), path("_G", "Proxy"), path("gilua.pickle"), "\xF6\1", "\xEC\1" } do
    refused(body, body)
    refused("\xC4\0\1" .. body, body)
    refused(pairs_of(str "key", body), body)
    refused(pairs_of(body, str "value"), body)
  end
end)

t.test("a class has its name as metatable and as value", function()
  for _, class in ipairs { Class, Empty, trap_module.deep } do
    local v = pickle.loads(pickle.dumps { class, setmetatable({ 1 }, class) })
    t.equal(v[1], class)
    t.equal(getmetatable(v[2]), class)
  end
  t.equal(getmetatable(pickle.loads(message(with_meta(path("_G", "Class"))))), Class)
end)

t.test("what is a class as metatable only is none as a value", function()
  local meta = with_meta("\xEB" .. path("_G", "Static"):sub(2)) -- with the bit of what is referred to
  Static = { new = trap "Static.new" }
  t.equal(getmetatable(pickle.loads(message(meta))), Static)
  refused("\xC4\0\2" .. meta .. "\xF0\7")
  t.equal(getmetatable(pickle.loads(message("\xC4\0\2" .. meta .. "\xC2\0\xF0\7"))[2]), Static)
  Static = nil
end)

t.test("a class with an end is refused", function()
  for _, class in ipairs { path("_G", "Ended"), path("_G", "Closed") } do
    refused(with_meta(class))
    refused(class)
    refused("\xC4\0\2" .. class .. with_meta "\xF0\5")
  end
end)

t.test("a metatable by value brings no metamethod", function()
  for _, name in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor", "shl", "shr", "bnot",
    "concat", "len", "eq", "lt", "le", "index", "newindex", "call", "tostring", "pairs", "close", "gc", "metatable", "mode",
    "name", "reduce", "anything" } do
    for _, value in ipairs { path("_G", "global_trap"), path("_G", "Class"), "\xC0\0", "\xD2", "\5" } do
      refused(with_meta(pairs_of(str("__" .. name), value)), name)
    end
  end
  for _, name in ipairs { "index", "metatable", "gc" } do
    refused(with_meta(pairs_of(str("__" .. name), str "text")), name)
  end
  local weak = pickle.loads(pickle.dumps(setmetatable({ {} }, { __mode = "v", __name = "Weak", plain = 1 })))
  t.equal(getmetatable(weak).__name, "Weak")
  collectgarbage()
  t.equal(weak[1], nil)
end)

t.test("a metatable that is still being read when it is set is looked at in the end", function()
  -- meta = {child = setmetatable({}, meta), __lt = …}: the reference is to the table at byte 2
  for _, field in ipairs { "__lt", "__gc", "__index", "__close" } do
    local child = "\xC2\0\xF0\2"
    refused("\xC1\2" .. str "child" .. child .. str(field) .. "\xC0\0" .. "\xFF", field)
    refused("\xC1\2" .. str(field) .. "\xC0\0" .. str "child" .. child .. "\xFF", field)
  end
end)

t.test("one good metatable lets no other pass", function()
  local good, bad = with_meta(pairs_of(str "x", "\1")), with_meta(pairs_of(str "__lt", "\xC0\0"))
  refused("\xC4\0\4" .. good .. good .. good .. bad)
  refused("\xC0\1" .. str "k" .. good .. str "k" .. bad .. "\xFF") -- the first is garbage when the second is read
end)

t.test("constructors are not called", function()
  refused("\xE6\1" .. path("_G", "global_trap"))
  refused("\xE6\1" .. path("_G", "Class", "new"))
  local e = t.raises_kind("pickle", pickle.loads, pickle.dumps(setmetatable({}, Reduced)))
  t.raises("constructor", error, e)
end)

t.test("names = false takes classes away, and functions = true allows everything", function()
  for _, body in ipairs { path("_G", "Class"), with_meta(path("_G", "Class")), path("_G", "Empty") } do
    t.raises_kind("pickle", pickle.loads, message(body), { names = false })
    pickle.loads(message(body), { functions = true })
  end
  t.equal(pickle.loads(message(path("trap_module", "deep", "run")), { functions = true }), trap_module.deep.run)
  local f = pickle.loads(pickle.dumps(function() return 1 end), { functions = true, names = false })
  t.equal(f(), 1)
  t.raises("unknown field 'name'", pickle.loads, message "\1", { name = false })
end)

-- Mutated and made-up messages

local samples = {}
for _, v in ipairs { { 1, -200, 1.5, "text", "text", "text", ("long"):rep(30), { x = { y = "y" } }, true },
  { setmetatable({ 1 }, Class), setmetatable({ a = 1 }, Empty), Class, Empty },
  { setmetatable({ 1 }, { tag = 1 }), setmetatable({}, { __mode = "k" }) }, { [{}] = { 1 }, [1.5] = {}, [true] = "x" },
  { global_trap, trap_module.run, Class.new, print }, { setmetatable({}, Reduced), setmetatable({}, { __lt = global_trap }) },
  { function() return global_trap end } } do
  samples[#samples + 1] = pickle.dumps(v)
end
local meta = { field = 1 }
meta.child = setmetatable({ setmetatable({}, meta) }, meta)
samples[#samples + 1] = pickle.dumps(meta)

local words = { "__gc", "__lt", "__index", "__close", "__call", "__concat", "__mode", "x", "k" }
local names = { path("_G", "global_trap"), path("trap_module", "run"), path("trap_function"), path("_G", "Class"),
  path("_G", "Class", "new"), path("_G", "Empty"), path("_G", "Ended"), path("_G", "Proxy"), path("_G"), path("trap_module") }

-- A value as a message may have it, more often with a metatable than one would write.
local function made_up(depth, at)
  local kind = math.random(depth > 4 and 4 or 9)
  if kind == 1 then return string.char(math.random(0, 127)) end
  if kind == 2 then return str(words[math.random(#words)]) end
  if kind == 3 then return names[math.random(#names)] end
  if kind == 4 then return "\xF0" .. string.char(math.random(0, math.min(at, 127))) end
  if kind == 5 then return "\xE6\2" .. names[math.random(#names)] .. made_up(depth + 1, at + 10) end
  local n, meta_ = math.random(0, 3), math.random(2) == 1
  local out = { string.char(0xC1 + (meta_ and 2 or 0)) .. (n > 0 and "\2" or "\0") }
  local size = #out[1]
  local function add(s)
    out[#out + 1] = s
    size = size + #s
  end
  for _ = 1, n do
    add(str(words[math.random(#words)]))
    add(made_up(depth + 1, at + size))
  end
  if n > 0 then add "\xFF" end
  if meta_ then add(made_up(depth + 1, at + size)) end
  return table.concat(out)
end

local function mutated()
  local b = { samples[math.random(#samples)]:byte(1, -1) }
  for _ = 1, math.random(4) do
    local at = math.random(3, #b)
    if math.random(2) == 1 then
      b[at] = math.random(0, 255)
    else
      for _, c in ipairs { names[math.random(#names)]:byte(1, -1) } do
        table.insert(b, at, c)
        at = at + 1
      end
    end
  end
  return string.char(table.unpack(b))
end

for name, make in pairs { ["mutated"] = mutated, ["made-up"] = function() return message(made_up(0, 2)) end } do
  t.test("no " .. name .. " message reaches a trap, whatever is done with its value", function()
    local loaded = 0
    for seed = 1, t.hostile and 100 or 6000 do
      math.randomseed(seed)
      local bytes = make()
      if try(bytes) then loaded = loaded + 1 end
      if sprung then error(("seed %d: %s, by %q"):format(seed, sprung, bytes)) end
    end
    t.near(loaded, t.hostile and 1 or 100, 6000) -- else nothing was tried
  end)
end

t.finish()
