-- What is preempted: any Lua code, however it loops, under every policy. Each of the functions below runs for ever and
-- never leaves the lock by itself; the main thread must get it again and again, and a cancel must end it.
local t = require "testing"
local threading = require "gilua.threading"
local time = require "gilua.time"
local gil = require "gilua.gil"

local function spin() while true do end end

local spinners = {
  ["while true do end"] = spin,
  ["repeat until false"] = function() repeat until false end,
  ["a goto loop"] = function()
    ::again::
    goto again
  end,
  ["an integer for loop"] = function() for _ = 1, math.maxinteger do end end,
  ["a float for loop"] = function() for _ = 1, math.huge do end end,
  ["a generic for loop over a Lua function"] = function() for _ in function() return 1 end do end end,
  ["a generic for loop over a C function"] = function() for _ in math.abs, -1, -1 do end end,
  ["a loop with an upvalue"] = function()
    local n = 0
    local function add() n = n + 1 end
    while n >= 0 do add() end
  end,
  ["empty calls"] = function()
    local function nothing() end
    while true do nothing() end
  end,
  ["calls of C functions"] = function() while true do math.abs(-1) end end,
  ["endless tail calls"] = function()
    local function again() return again() end
    again()
  end,
  ["tail calls to and fro"] = function()
    local a, b
    function a(...) return b(...) end
    function b(...) return a(...) end
    a(1, 2, 3)
  end,
  ["deep recursion"] = function()
    local function deep(n) return n > 0 and 1 + deep(n - 1) or 0 end
    while true do deep(10000) end
  end,
  ["recursion until the stack overflows"] = function()
    local function deep() return 1 + deep() end
    while true do
      local ok, err = pcall(deep)
      if not tostring(err):find("overflow") then error(err, 0) end
    end
  end,
  ["vararg functions"] = function()
    local function count(...) return select("#", ...) end
    while true do count(count(1, 2, 3), nil) end
  end,
  ["pcall of errors"] = function()
    while true do
      local _, err = pcall(error, "x")
      if err ~= "x" then error(err, 0) end
    end
  end,
  ["a coroutine"] = function() coroutine.wrap(spin)() end,
  ["a coroutine in a coroutine in a coroutine"] = function()
    coroutine.wrap(function() coroutine.wrap(function() coroutine.wrap(spin)() end)() end)()
  end,
  ["yields and resumes"] = function()
    local co = coroutine.wrap(function() while true do coroutine.yield() end end)
    while true do co() end
  end,
  ["new coroutines"] = function() while true do coroutine.wrap(function() end)() end end,
  ["closing of coroutines"] = function()
    while true do
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = function() end })
        coroutine.yield()
      end)
      coroutine.resume(co)
      assert(coroutine.close(co))
    end
  end,
  ["an __index metamethod"] = function() return setmetatable({}, { __index = spin }).x end,
  ["a __newindex metamethod"] = function() setmetatable({}, { __newindex = spin }).x = 1 end,
  ["a __call metamethod"] = function() setmetatable({}, { __call = spin })() end,
  ["an __add metamethod"] = function() return setmetatable({}, { __add = spin }) + 1 end,
  ["a __concat metamethod"] = function() return setmetatable({}, { __concat = spin }) .. "x" end,
  ["an __eq metamethod"] = function() return setmetatable({}, { __eq = spin }) == setmetatable({}, {}) end,
  ["an __lt metamethod"] = function() return setmetatable({}, { __lt = spin }) < 1 end,
  ["a __len metamethod"] = function() return #setmetatable({}, { __len = spin }) end,
  ["a __tostring metamethod"] = function() tostring(setmetatable({}, { __tostring = spin })) end,
  ["a __pairs metamethod"] = function() pairs(setmetatable({}, { __pairs = spin })) end,
  ["a __close metamethod"] = function()
    local _ <close> = setmetatable({}, { __close = spin })
  end,
  ["a chain of __index"] = function()
    local object = {}
    for _ = 1, 50 do object = setmetatable({}, { __index = object }) end
    while true do local _ = object.x end
  end,
  ["a comparator of table.sort"] = function() table.sort({ 3, 2, 1 }, spin) end,
  ["sorting"] = function()
    while true do
      local list = {}
      for i = 1, 50 do list[i] = (i * 31) % 50 end
      table.sort(list, function(a, b) return a > b end)
    end
  end,
  ["a callback of string.gsub"] = function() ("x"):gsub("x", spin) end,
  ["string.rep and string.gsub"] = function()
    while true do ("ab"):rep(100):gsub("a", function() return "c" end) end
  end,
  ["a loop over string.gmatch"] = function()
    while true do
      for _ in ("a b c"):gmatch("%a") do end
    end
  end,
  ["a reader of load"] = function() assert(load(function() return " " end)) end, -- the loop itself is C
  ["load of code"] = function() while true do load("return 1")() end end,
  ["code without debug information"] = load(string.dump(spin, true)),
  ["garbage"] = function() while true do local _ = { {} } end end,
  ["collections"] = function() while true do collectgarbage("step") end end,
  ["string concatenation"] = function()
    while true do
      local s = ""
      for i = 1, 20 do s = s .. i end
    end
  end,
}

local names = {}
for name in pairs(spinners) do names[#names + 1] = name end
table.sort(names)

-- How often the thread lost the lock while it ran Lua code.
local function acquisitions(ident)
  for _, s in ipairs(gil.stats().threads) do
    if s.ident == ident then return s.acquisitions end
  end
  error("it has ended")
end

local old = gil.switch_interval(0.001)
for _, policy in ipairs { "fair", "interval", "ticks" } do
  for _, name in ipairs(names) do
    t.test(name .. " is preempted under policy " .. policy .. ", and can be cancelled", function()
      gil.policy(policy)
      local thread = threading.start(spinners[name])
      local first
      t.eventually(function() -- the spinner gives the lock away, and gets it back
        first = first or acquisitions(thread.ident)
        return acquisitions(thread.ident) >= first + 5
      end, "switches")
      t.equal(thread.waits_for, nil)
      while thread:is_alive() do
        thread:cancel()
        thread:join(0.05) -- where the code catches errors it may take a second cancel
      end
      t.raises_kind("cancelled", thread.result, thread)
      gil.policy("fair")
    end)
  end
end
gil.switch_interval(old)

t.test("several spinning coroutines on several threads all get on", function()
  local counts = { 0, 0, 0 }
  local threads = t.start(3, function(i)
    local co = coroutine.wrap(function()
      while true do
        counts[i] = counts[i] + 1
        if counts[i] % 1000 == 0 then coroutine.yield() end
      end
    end)
    while true do co() end
  end)
  for _ = 1, 3 do
    local a, b, c = table.unpack(counts)
    t.eventually(function() return counts[1] > a and counts[2] > b and counts[3] > c end, "all to get on")
  end
  for _, thread in ipairs(threads) do thread:cancel() end
  for _, thread in ipairs(threads) do t.raises_kind("cancelled", thread.result, thread) end
end)

t.test("a message handler is preempted", function() -- a cancel in one would call it again
  local stopped = false
  local thread = threading.start(xpcall, error, function()
    while not stopped do end
    return "handled"
  end)
  for _ = 1, 10 do time.sleep(0.001) end
  stopped = true
  t.equal(select(2, thread:result()), "handled")
end)

t.test("the main thread is preempted, too", function()
  local n = 0
  local thread = threading.start(function() while n < 1000 do n = n + 1 end end)
  while n < 1000 do end
  t.join { thread }
end)

t.finish()
