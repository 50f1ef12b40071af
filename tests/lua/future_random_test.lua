-- Random use of executors, futures, maps and callbacks, with cancels of threads that read: whatever happens, what comes out
-- is what a simple model says. future_random_test.lua [SEED [ROUNDS]]
local t = require "testing"
local futures, gilua, threading = require "gilua.futures", require "gilua", require "gilua.threading"

local seed, rounds = tonumber(arg[1]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1, tonumber(arg[2]) or (t.hostile and 4 or 25)
print("# seed " .. seed)
math.randomseed(seed)

-- What a task gives is known beforehand: its number decides.
function random_task(n)
  for _ = 1, n % 50 do end
  if n % 7 == 0 then error("task " .. n, 0) end
  if n % 11 == 0 then return nil end
  return n * 2
end
local function first_of(n) -- what random_task gives: true and the value, or false and the error
  if n % 7 == 0 then return false, "task " .. n end
  if n % 11 == 0 then return true, nil end
  return true, n * 2
end

-- An object whose reading runs code, in which a cancel may come.
Random_box = {}
Random_box.__index = Random_box
function random_box(n)
  for _ = 1, 200 do end
  return setmetatable({ n = n }, Random_box)
end
function Random_box:__reduce() return random_box, self.n end
function random_boxes(n)
  local list = {}
  for i = 1, 50 do list[i] = random_box(n + i) end
  return list
end

local pools = {
  { name = "one thread", new = function() return futures.ThreadPoolExecutor(1) end },
  { name = "threads", new = function() return futures.ThreadPoolExecutor(4) end },
  { name = "processes", new = function() return futures.ProcessPoolExecutor(2) end },
}

-- One future, and what the model knows of it.
local function check_future(entry)
  local ok, value = pcall(entry.future.result, entry.future)
  if entry.cancelled then
    assert(not ok and gilua.is_error(value, "cancelled"), "a cancelled task is not cancelled")
  elseif entry.boxes then
    assert(ok, value)
    assert(#value == 50 and value[50].n == entry.n + 50 and getmetatable(value[1]) == Random_box)
  else
    local want_ok, want = first_of(entry.n)
    assert(ok == want_ok and value == want, ("task %d: %s, %s"):format(entry.n, ok, value))
  end
end

local function submit(pool, n)
  local entry = { n = n, boxes = math.random(4) == 1 }
  entry.future = pool:submit(entry.boxes and random_boxes or random_task, n)
  return entry
end

local function read_and_be_cancelled(entry)
  local reader = threading.start(function() return pcall(entry.future.result, entry.future) end)
  for _ = 1, math.random(0, 300) do end
  reader:cancel()
  pcall(reader.result, reader)
end

local function count_calls(counts, entry)
  local place = #counts + 1
  counts[place] = 0
  entry.future:add_done_callback(function(f)
    assert(f:done())
    counts[place] = counts[place] + 1
  end)
end

local function use_futures(pool)
  local entries, counts = {}, {}
  for i = 1, math.random(1, 12) do
    local entry = submit(pool, math.random(1, 1000))
    entries[i] = entry
    local what = math.random(5)
    if what == 1 then entry.cancelled = entry.future:cancel() end
    if what == 2 then read_and_be_cancelled(entry) end
    if what == 3 then count_calls(counts, entry) end
    if what == 4 then entry.future:wait(0) end
  end
  local list = {}
  for i, entry in ipairs(entries) do list[i] = entry.future end
  if math.random(2) == 1 then
    local n = 0
    for f in futures.as_completed(list) do
      n = n + 1
      assert(f:done())
    end
    t.equal(n, #list)
  else
    local done, pending = futures.wait(list)
    t.equal(#done + #pending, #list)
    t.equal(#pending, 0)
  end
  for _, entry in ipairs(entries) do check_future(entry) end
  t.eventually(function()
    for _, n in ipairs(counts) do if n < 1 then return false end end
    return true
  end)
  for _, n in ipairs(counts) do t.equal(n, 1) end
end

-- The values of a map, up to an error or where it is left.
local function use_map(pool)
  local numbers = {}
  for i = 1, math.random(0, 60) do numbers[i] = math.random(1, 1000) end
  local source, at = numbers, 0
  if math.random(2) == 1 then
    source = function()
      at = at + 1
      return numbers[at]
    end
  end
  local leave, i, options = math.random(80), 0, { chunksize = math.random(1, 9), buffersize = math.random(1, 40) }
  local ok, e = pcall(function()
    for value in pool:map(random_task, source, options) do
      i = i + 1
      local want_ok, want = first_of(numbers[i])
      assert(want_ok and value == (want or false), "a wrong value")
      if i == leave then break end
    end
  end)
  if not ok then
    local want_ok, want = first_of(numbers[i + 1])
    t.equal(want_ok, false)
    t.equal(e, want)
  elseif i < leave then
    t.equal(i, #numbers)
  end
end

-- A thread that maps is cancelled now and then, and goes on: no value is lost and none comes twice.
local function use_map_with_cancels(pool)
  local got, left, n = {}, true, math.random(1, 40)
  local mapper = threading.start(function()
    local at = 0
    local next_value
    repeat
      local ok = pcall(function()
        next_value = next_value or pool:map(function(x) return x end, function()
          for _ = 1, 20 do end
          local value = at + 1
          if value <= n then at = value return value end
        end, { chunksize = math.random(1, 4) })
      end)
    until ok
    while true do
      local ok, value = pcall(next_value)
      if ok and value == nil then break end
      if ok then got[#got + 1] = value elseif not gilua.is_error(value, "cancelled") then error(value) end
    end
    left = false
  end)
  for _ = 1, math.random(0, 5) do
    for _ = 1, math.random(0, 2000) do end
    mapper:cancel()
  end
  if pcall(mapper.result, mapper) and not left then -- else a cancel came outside of the calls
    for i, value in ipairs(got) do assert(value <= n and (i == 1 or value > got[i - 1]), "a value comes twice") end
  end
end

for _, kind in ipairs(pools) do
  t.test("futures, maps and callbacks of " .. kind.name .. " give what the model says", function()
    require "gilua.gil".switch_interval(1e-4)
    local pool <close> = kind.new()
    for _ = 1, rounds do
      use_futures(pool)
      use_map(pool)
      use_map_with_cancels(pool)
    end
    require "gilua.gil".switch_interval(5e-3)
  end)
end

t.finish()
