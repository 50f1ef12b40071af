-- Modules that a test writes into a folder of its own: classes, classes inside of classes, functions, data.
local modules = {}
modules.__index = modules

-- Every module has the same shape; NAME stands for its name.
local text = [[
local Class = { name = "NAME" }
Class.__index = Class
local function get(self) return self.n end
function Class.new(n) return setmetatable({ n = n }, Class) end
function Class:get() return get(self) end
function Class.__eq(a, b) return rawequal(a, b) or a.n == b.n end
function Class.__lt(a, b) return a.n < b.n end
function Class.__add(a, b) return Class.new(a.n + b.n) end
Class.Sub = setmetatable({}, { __index = Class })
Class.Sub.__index = Class.Sub
function Class.Sub.new(n) return setmetatable({ n = n, parent = Class.new(n) }, Class.Sub) end
function Class.Sub:get() return self.parent:get() end
Class.deep = { down = { made = true } }
Class.deep.down.__index = Class.deep.down
function Class.deep.down.new(n) return setmetatable({ n }, Class.deep.down) end
function Class.deep.down:get() return self[1] end
function Class.deep.down:__reduce() return Class.deep.down.new, self[1] end
return Class
]]

function modules.new()
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  package.path = folder .. "/?.lua;" .. package.path
  return setmetatable({ folder = folder, files = 0 }, modules)
end

-- Writes one more, and gives its name.
function modules:write()
  self.files = self.files + 1
  local name = "oracle_" .. self.files
  local file <close> = io.open(("%s/%s.lua"):format(self.folder, name), "w")
  file:write((text:gsub("NAME", name)))
  return name
end

function modules:__close() os.execute("rm -r " .. self.folder) end

return modules
