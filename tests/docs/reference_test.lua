-- docs/reference.md says what the code's comments say, and names everything that a script can reach.
local t = require "testing"

local function read(path)
  local file <close> = assert(io.open(os.getenv "TEST_ROOT" .. "/" .. path))
  return file:read("a")
end

local page = read "docs/reference.md"

t.test("the reference is what the comments in the code make", function()
  local root = os.getenv "TEST_ROOT"
  local made = io.popen(os.getenv "GILUA" .. " " .. root .. "/tools/reference/reference.lua " .. root)
  local text = made:read("a")
  assert(made:close(), "the generator failed")
  assert(text == page, "docs/reference.md has drifted: lua5.4 tools/reference/reference.lua > docs/reference.md")
end)

-- The part of the page under a heading of the second level.
local function section(title)
  local from = assert(select(2, page:find("\n## " .. title .. "\n", 1, true)), "no section " .. title)
  return page:sub(from, (page:find("\n#+ ", from + 1) or #page + 1) - 1)
end

local function names(text, name) return text:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil end

local modules = {}
for module in pairs(package.preload) do -- gilua.socket adds some that are not ours
  if module:find "^gilua%." then modules[#modules + 1] = module end
end

for _, module in ipairs(modules) do
  t.test("every name of " .. module .. " stands in the reference", function()
    local text = section(module)
    for name in pairs(require(module)) do
      assert(type(name) ~= "string" or name:find "^_" or names(text, name), "no word of " .. tostring(name))
    end
  end)
end

t.test("the reference has a section for each module", function() t.equal(select(2, page:gsub("\n## gilua%.%l%l+\n", "")), #modules) end)

t.test("every name of socket.dns and every method of a socket stands in the reference", function()
  local socket, text = require "gilua.socket", section "gilua.socket"
  for name in pairs(socket.dns) do assert(names(text, "dns." .. name), name) end
  local classes = 0
  for key, mt in pairs(debug.getregistry()) do
    local kind = type(key) == "string" and key:match "^(%l+){%l+}$"
    if kind then
      classes = classes + 1
      for name, method in pairs(mt.__index) do
        local receiver = (kind == "udp" or kind == "unixdgram") and "udp" or "tcp"
        assert(type(method) ~= "function" or names(text, receiver .. ":" .. name) or kind == "unixdgram" and names(text, "tcp:" .. name),
          kind .. ":" .. name)
      end
    end
  end
  assert(classes >= 5, "no classes are found")
end)

t.test("every name of gilua stands in the reference", function()
  local text = section "gilua"
  for name, value in pairs(require "gilua") do assert(type(value) ~= "function" or names(text, name), "no word of " .. name) end
end)

t.test("every method of an object of ours stands in the reference", function()
  local missing = {}
  for key, mt in pairs(debug.getregistry()) do
    local methods = type(key) == "string" and key:find "^gilua" and type(mt) == "table" and mt.__index
    for name in pairs(type(methods) == "table" and methods or {}) do
      if type(name) == "string" and not name:find "^_" and not names(page, name) then
        missing[#missing + 1] = key .. ":" .. name
      end
    end
  end
  assert(#missing == 0, "no word of " .. table.concat(missing, ", "))
end)

t.finish()
