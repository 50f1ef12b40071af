-- Snippets that run under gilua and under the stock `lua5.4` of the machine, whose outputs must be the same.
local t = require "testing"
local gil = require "gilua.gil"
local stock = {}

-- What a snippet begins with: say() notes values as text.
stock.head = [[
local said = {}
local function say(...)
  local values = table.pack(...)
  for i = 1, values.n do values[i] = tostring(values[i]) end
  said[#said + 1] = table.concat(values, " ")
end
]]

-- The whole program of a snippet; head: in the place of stock.head. It returns what was said.
function stock.program(snippet, head)
  return (head or stock.head) .. snippet .. '\nreturn table.concat(said, "\\n")\n'
end

-- What a program returns under stock Lua, as text.
function stock.run(program)
  local file = os.tmpname()
  local f <close> = assert(io.open(file, "w"))
  f:write(program)
  f:close()
  local p <close> = io.popen(t.stock .. [[ -e "io.write(assert(load(io.read('a'), '=snippet'))())" <]] .. file .. " 2>&1")
  local text = p:read("a")
  os.remove(file)
  return text
end

-- The same, which must be an answer and no error of lua5.4 or the shell.
function stock.answer(program)
  local text = stock.run(program)
  t.equal(#text > 0 and not text:find("^lua5.%d:") and not text:find("not found"), true, "stock Lua says: " .. text)
  return text
end

-- Runs f while n other threads compute and make garbage at that switch interval.
function stock.beside(n, interval, f, ...)
  local old, stop = gil.switch_interval(interval), false
  local others = t.start(n, function() while not stop do local _ = {} end end)
  local _ <close> = setmetatable({}, { __close = function()
    stop = true
    t.join(others)
    gil.switch_interval(old)
  end })
  return f(...)
end

-- Releases close and count in ways of their own: with a Lua of another kind than the stock one nothing is compared.
function stock.needs_same_release()
  local probe = [[
local _, err = pcall(function()
  local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
  error("first", 0)
end)
return err
]]
  local theirs = stock.run(probe)
  assert(theirs == "first" or theirs == "second", theirs) -- else there is no lua5.4
  if load(probe)() == theirs then return end
  print "# stock Lua is of another release"
  t.finish()
end

return stock
