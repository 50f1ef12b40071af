-- scripts/cluster.lua: a script beside job servers and workers, by one command.
local C = require "cluster"
local t = require "testing"
C.required()

t.test("word_count, unchanged, counts by way of two job servers and four workers", function()
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write("one two two three three three\nThree isn't two\n")
  file:close()
  local text, status = t.run { "scripts/cluster.lua", "scripts/word_count.lua", name }
  os.remove(name)
  t.equal(status, 0, text)
  for _, what in ipairs { "9 words, 4 different ones, in 1 files", "4  three\n%s+3  two\n%s+1  isn't\n%s+1  one" } do
    assert(text:find(what), text)
  end
end)

t.test("the script's status is that of the command, and nothing is left", function()
  local script = os.tmpname()
  local file = io.open(script, "w")
  file:write [[
    local list = {}
    for address in os.getenv "GILUA_SERVERS":gmatch "[^,]+" do list[#list + 1] = address end
    local pool = require("gilua.futures").GearmanExecutor { servers = list, token = os.getenv "GILUA_TOKEN" }
    print(#list, pool:submit(function(x) return x + 1 end, 41):result())
    pool:shutdown()
    for _, address in ipairs(list) do print(address:match ":(%d+)$") end
    os.exit(3)
  ]]
  file:close()
  local text, status = t.run { "scripts/cluster.lua", "--servers", "1", "--workers", "1", script }
  os.remove(script)
  t.equal(status, 3, text)
  assert(text:find "^1\t42\n", text)
  local port = tonumber(text:match "\n(%d+)")
  t.eventually(function() return not C.listens(port) end, "the server to end")
end)

t.test("wrong arguments are answered with the usage", function()
  for _, arguments in ipairs { {}, { "--workers", "0", "x" }, { "--machines", "2", "x" } } do
    local text, status = t.run { "scripts/cluster.lua", table.unpack(arguments) }
    assert(text:find("usage: cluster.lua", 1, true), text)
    t.equal(status, 2)
  end
end)

t.finish()
