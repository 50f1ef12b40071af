-- Each module works with nothing but itself: every function and method, in a process that has required that module only, in
-- the main program, in a thread, in a coroutine, in a forked worker and in a worker that is executed anew.
local t = require "testing"
local snippets = require "snippets"

local places = {
  { "the program", "%s" },
  { "a coroutine", "local f = function()\n%s\nend\ncoroutine.wrap(f)()" },
  { "a thread", "local f = function()\n%s\nend\nrequire 'gilua.threading'.start(f):result()" },
  { "a forked worker", [[local f = function()
%s
end
local p <close> = require 'gilua.futures'.ProcessPoolExecutor{ max_workers = 1 }
p:submit(f):result()]] },
  { "a spawned worker", [[local f = function()
%s
end
local p <close> = require 'gilua.futures'.ProcessPoolExecutor{ max_workers = 1, start = "spawn" }
p:submit(f):result()]] },
}

local function run(module, text, place)
  local body = ("local m = require %q\n%s"):format(module, text)
  local said, status = t.run { "-e", (place[2]:gsub("%%s", function() return body end)) }
  assert(status == 0 and said == "", ("%s says (status %s) %s"):format(module, status, said))
end

local function sorted(list)
  local keys = {}
  for key in pairs(list) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

for _, module in ipairs(sorted(snippets)) do
  for _, key in ipairs(sorted(snippets[module])) do
    t.test(("%s alone: %s"):format(module, key), function()
      for _, place in ipairs(places) do
        local ok, e = pcall(run, module, snippets[module][key], place)
        if not ok then error(("in %s: %s"):format(place[1], e), 0) end
      end
    end)
  end
end

-- What there is, by the modules themselves and by the classes in the registry.
t.test("every function of every module is called here", function()
  local missing = {}
  for module, list in pairs(snippets) do
    local all = " " .. table.concat(sorted(list), " ") .. " "
    for name in pairs(require(module)) do
      if type(name) == "string" and not name:find "^_" and module ~= "gilua" and not all:find("[ :]" .. name .. "[ :]") then
        missing[#missing + 1] = module .. "." .. name
      end
    end
  end
  assert(#missing == 0, "no snippet for " .. table.concat(missing, ", "))
end)

t.test("every method is called here", function()
  local all, missing = "", {}
  for _, list in pairs(snippets) do all = all .. " " .. table.concat(sorted(list), " ") .. " " end
  for key, mt in pairs(debug.getregistry()) do
    local kind = type(key) == "string" and key:match "^gilua%.(%a+)$"
    local methods = kind and type(mt) == "table" and mt.__index
    for name in pairs(type(methods) == "table" and methods or {}) do
      if not all:find(" " .. kind .. ":" .. name .. " ", 1, true) and not all:find(":" .. name .. " ", 1, true) then
        missing[#missing + 1] = kind .. ":" .. name
      end
    end
  end
  assert(#missing == 0, "no snippet for " .. table.concat(missing, ", "))
end)

t.finish()
