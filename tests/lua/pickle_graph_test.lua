-- gilua.pickle: random graphs are copied with all that they share. A failure names its seed.
local t = require "testing"
local graphs = require "graphs"
local pickle = require "gilua.pickle"

local rounds = t.hostile and 20 or 1500

t.test("the walk that compares sees each kind of difference", function()
  local shared = {}
  for _, pair in ipairs { { 1, 1.0 }, { 0.0, -0.0 }, { "1", 1 }, { { 1, nil, 3 }, { 1, 2, 3 } }, { { 1 }, { 1, x = 1 } },
    { { shared, shared }, { {}, {} } }, { { {}, {} }, { shared, shared } }, { setmetatable({}, {}), {} } } do
    t.equal(graphs.difference(pair[1], pair[2]) ~= nil, true)
  end
  t.equal(graphs.difference({ shared, { shared } }, { shared, { shared } }), nil)
end)

for _, with in ipairs { "functions", "metatables" } do
  t.test("random graphs with " .. with .. " are copied", function()
    for seed = 1, rounds do
      math.randomseed(seed)
      local v = graphs.random(math.random(1, 30), with)
      local bytes = pickle.dumps(v)
      local copy = pickle.loads(bytes, { functions = with == "functions" })
      local difference = graphs.difference(v, copy)
      if difference then error(("seed %d: %s"):format(seed, difference)) end
    end
  end)
end

t.test("a copy of a copy has the bytes of lists and records", function()
  local v = {}
  for i = 1, 100 do v[i] = { i, i / 2, "text " .. i } end
  local bytes = pickle.dumps(v)
  t.equal(pickle.dumps(pickle.loads(bytes)), bytes)
end)

t.finish()
