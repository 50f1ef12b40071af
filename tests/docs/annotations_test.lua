-- The annotations for editors are Lua, and declare what the modules have, no more and no less.
local t = require "testing"

local dir = os.getenv "TEST_ROOT" .. "/tools/reference/annotations/"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local modules = {}
for line in io.popen("ls '" .. dir .. "'"):lines() do modules[#modules + 1] = assert(line:match "^(%l+)%.lua$", line) end

t.test("every module has annotations", function()
  local text = table.concat(modules, " ") .. " "
  for name in pairs(package.preload) do
    local short = name:match "^gilua%.(%l+)$" or name == "gilua" and name
    assert(not short or text:find(short .. " ", 1, true), name)
  end
  t.equal(#modules, 13)
end)

for _, name in ipairs(modules) do
  local path, module = dir .. name .. ".lua", require(name == "gilua" and name or "gilua." .. name)

  t.test("the annotations of gilua." .. name .. " declare every function of it, and none that it has not", function()
    local declared = assert(loadfile(path))()
    local text = read(path)
    for key in pairs(module) do
      local found = declared[key] ~= nil or text:find("\nM." .. key .. " = nil\n", 1, true)
      assert(key:find "^_" or found or text:find("\n---@field " .. key .. " ", 1, true), "no word of " .. key)
    end
    for key in pairs(declared) do
      local callable = debug.getmetatable(module[key]) and debug.getmetatable(module[key]).__call
      t.equal(type(callable or module[key]), "function", key)
    end
    for key in text:gmatch "\nM%.([%w_]+) = nil\n" do assert(module[key] ~= nil, key) end
    for key in text:gmatch "\n%-%-%-@field (%l+) " do assert(module[key] ~= nil, key) end
  end)

  t.test("each parameter that the annotations of gilua." .. name .. " describe is one of the function below", function()
    local params = {}
    for line in read(path):gmatch "[^\n]+" do
      local param, list = line:match "^%-%-%-@param ([%w_.]+)%??", line:match "^function [%w_.:]+%((.*)%) end$"
      if param then params[#params + 1] = param end
      if list then
        t.equal(table.concat(params, ", "), list)
        params = {}
      elseif line:find "^%-%-%-@" then
        assert(line:find "^%-%-%-@meta gilua%.?%l*$" or line:find "^%-%-%-@class gilua[%w.]*" or line:find "^%-%-%-@type any$" or
          line:find "^%-%-%-@param [%w_.]+%?? any$" or line:find "^%-%-%-@return [%w.?]+" or
          line:find "^%-%-%-@field %[string%] any$" or line:find "^%-%-%-@field %l+ gilua%.%l+$", line)
      end
    end
  end)
end

t.test("methods are those of the objects", function()
  local threading, queue = require "gilua.threading", require "gilua.queue"
  local objects = { threading = { Lock = threading.Lock(), Condition = threading.Condition(), Event = threading.Event(),
    Semaphore = threading.Semaphore(), Barrier = threading.Barrier(1), Thread = threading.Thread { target = print } },
    queue = { Queue = queue.Queue() } }
  for module, list in pairs(objects) do
    local text = read(dir .. module .. ".lua")
    for class, object in pairs(list) do
      local n = 0
      for method in text:gmatch("\nfunction " .. class .. ":([%w_]+)") do
        t.equal(type(object[method]), "function", class .. ":" .. method)
        n = n + 1
      end
      assert(n > 2, "no methods of " .. class)
    end
  end
end)

t.finish()
