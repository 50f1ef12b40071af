-- Libraries that know nothing of threads, as Debian packages them: what each gives is the same under lua5.4, in the
-- main thread, in many threads at once and in coroutines of these, however often the lock changes hands.
local t = require "testing"
local gil = require "gilua.gil"

if t.version ~= "5.4" then
  print "1..0 # SKIP Debian has these libraries for 5.4 alone"
  return
end

local here = arg[0]:match("^.*/")
local NAMES = { "argparse", "cjson", "dkjson", "lpeg", "penlight", "rex" }
local INTERVALS = { 1e-6, 5e-5, 1e-3 }
local THREADS = 8

local work, expected = {}, {}
for _, name in ipairs(NAMES) do work[name] = dofile(here .. "libraries/" .. name .. ".lua") end

local function under_lua(name)
  local code = string.format("io.write(dofile('%slibraries/%s.lua')(function() end))", here, name)
  local p <close> = assert(io.popen(t.stock .. " - <<'.'\n" .. code .. "\n.\n"))
  return p:read("a")
end

-- Says where the two texts first differ.
local function same(got, want, what)
  if got == want then return end
  local line = 0
  local other = want:gmatch("[^\n]*")
  for g in got:gmatch("[^\n]*") do
    line = line + 1
    local w = other()
    if g ~= w then error(string.format("%s: line %d is\n%s\nnot\n%s", what, line, g, w), 2) end
  end
  error(what .. ": the result is too short", 2)
end

local function plain(name) return work[name](function() end) end

-- The work within a coroutine, which is left and entered between its parts.
local function in_coroutine(name)
  local co = coroutine.create(function() return work[name](coroutine.yield) end)
  while true do
    local ok, result = coroutine.resume(co)
    if not ok then error(result, 0) end
    if coroutine.status(co) == "dead" then return result end
  end
end

-- Each thread does the work named by choose(i) some times over, every second thread in coroutines.
local function in_threads(choose, rounds)
  t.join(t.start(THREADS, function(i)
    local name = choose(i)
    for round = 1, rounds do
      local run = (i + round) % 2 == 0 and in_coroutine or plain
      same(run(name), expected[name], name .. " in thread " .. i)
    end
  end))
end

for _, name in ipairs(NAMES) do
  expected[name] = under_lua(name)

  t.test(name .. " gives in the main thread what it gives under lua5.4", function()
    t.equal(#expected[name] > 500, true, "lua5.4 gives something")
    same(plain(name), expected[name], name)
    same(in_coroutine(name), expected[name], name .. " in a coroutine")
  end)

  t.test(name .. " gives it in eight threads at once, whatever the switch interval", function()
    t.at_intervals(function() in_threads(function() return name end, 2) end, INTERVALS)
  end)
end

for _, policy in ipairs { "fair", "interval", "ticks" } do
  t.test("all of them at once give it, by the policy " .. policy, function()
    local before = gil.policy()
    gil.policy(policy)
    t.at_intervals(function() in_threads(function(i) return NAMES[i % #NAMES + 1] end, 2) end, INTERVALS)
    gil.policy(before)
  end)
end

-- It takes the hook and the metatable of strings away for its time.
t.test("pl.pretty.read leaves the hook and the metatable of strings as they were, and threads go on", function()
  local pretty, stop, count = require "pl.pretty", false, 0
  local hook = function() end
  debug.sethook(hook, "", 1 << 30)
  local others = t.start(3, function()
    while not stop do count = count + 1 end -- no method of a string
  end)
  t.at_intervals(function()
    for i = 1, 50 do
      local read = pretty.read("{ " .. i .. ", [3] = 'x', y = { z = true } }")
      t.equal(read[1] == i and read[3] == "x" and read.y.z, true)
      t.equal(pretty.read "{ os.exit() }", nil)
    end
    local before = count
    t.eventually(function() return count > before end, "the others to go on")
  end, INTERVALS)
  stop = true
  t.join(others)
  t.equal(debug.gethook(), hook)
  debug.sethook()
  t.equal(("x"):rep(2), "xx")
end)

t.test("the lock did change hands in the midst of the work", function()
  t.equal(gil.stats().forced_switches > 1000, true)
end)

t.finish()
