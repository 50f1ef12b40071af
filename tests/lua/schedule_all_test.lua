-- The strategy `all` leaves out orders that cannot matter, and no other: compared with a model that tries every order.
local t = require "testing"
if t.version ~= "5.4" then t.leave_out "which instructions others may notice is known of Lua 5.4 only" end
local schedule = require "gilua.schedule"
local threading = require "gilua.threading"

t.may_keep["shared mappings"] = 2

local state = 7
local function random(n)
  state = state * 6364136223846793005 + 1442695040888963407
  return (state >> 33) % n + 1
end

-- Threads of steps: {"set", variable, number}, {"get", variable}, {"put", variable}: what was got, and 1. The text of one, as Lua.
local variables = { "x", "y" }

local function new_thread(n)
  local steps = {}
  for i = 1, n do
    local v = variables[random(2)]
    local kind = random(3)
    if kind == 1 then steps[#steps + 1] = { "set", v, random(3) * 10 } end
    if kind >= 2 then steps[#steps + 1] = { "get", v } end
    if kind == 3 then steps[#steps + 1] = { "put", variables[random(2)] } end
  end
  return steps
end

local function text_of(steps)
  local lines = { "return function(g) local r = 0" } -- g is shared, r its own
  for _, s in ipairs(steps) do
    if s[1] == "set" then lines[#lines + 1] = ("g.%s = %d"):format(s[2], s[3]) end
    if s[1] == "get" then lines[#lines + 1] = ("r = g.%s"):format(s[2]) end
    if s[1] == "put" then lines[#lines + 1] = ("g.%s = r + 1"):format(s[2]) end
  end
  lines[#lines + 1] = "end"
  return table.concat(lines, "\n")
end

-- Every state of x and y in which the threads can end.
local function model(threads)
  local ends, met = {}, {}
  local function go(at, own, x, y)
    local key = table.concat(at, ",") .. ";" .. table.concat(own, ",") .. ";" .. x .. "," .. y
    if met[key] then return end
    met[key] = true
    local over = true
    for i, steps in ipairs(threads) do
      local s = steps[at[i]]
      if s then
        over = false
        local g, r = { x = x, y = y }, own[i]
        if s[1] == "set" then g[s[2]] = s[3] elseif s[1] == "get" then own[i] = g[s[2]] else g[s[2]] = r + 1 end
        at[i] = at[i] + 1
        go(at, own, g.x, g.y)
        at[i] = at[i] - 1
        own[i] = r
      end
    end
    if over then ends[x .. "," .. y] = true end
  end
  local at, own = {}, {}
  for i in ipairs(threads) do at[i], own[i] = 1, 0 end
  go(at, own, 0, 0)
  return ends
end

local function search(functions, wanted)
  local g
  local start, f, h = threading.start, table.unpack(functions)
  return schedule.explore { strategy = "all", depth = 16, jobs = 2, run = function()
    g = { x = 0, y = 0 }
    local a, b = start(f, g), start(h, g)
    a:join()
    b:join()
  end, check = function() return g.x .. "," .. g.y ~= wanted end }
end

t.test("of random programs every end is found that an order leads to, and no other", function()
  for n = 1, t.hostile and 2 or 6 do
    local threads, functions = {}, {}
    for i = 1, 2 do
      threads[i] = new_thread((n == 1 or n == 3) and 2 or 1)
      functions[i] = assert(load(text_of(threads[i])))()
    end
    local ends = model(threads)
    for wanted in pairs(ends) do
      local x = search(functions, wanted)
      assert(x.failed, "not found: " .. wanted .. " of\n" .. text_of(threads[1]) .. "\n" .. text_of(threads[2]))
    end
    local x = search(functions, "77,77")
    assert(not x.failed and x.complete)
  end
end)

t.finish()
