-- gilua.multiprocessing.Pool over every executor. Behaviours 91 to 96.
local t = require "testing"
local multiprocessing = require "gilua.multiprocessing"
local executors = require "executors"

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function double(x) return 2 * x end
local function no_threes(x)
  if x == 3 then error("no threes", 0) end
  return x
end

executors.each(function(kind)
  local function test(name, f)
    t.test("Pool over " .. kind.name .. ": " .. name, function()
      local pool <close> = multiprocessing._pool_over(kind.new, { processes = 2 })
      f(pool)
    end)
  end

  test("an object that can be called is an iterator", function(pool)
    local function countdown(n)
      return setmetatable({}, { __call = function()
        n = n - 1
        if n > 0 then return n end
      end })
    end
    t.equal(table.concat(pool:map(double, countdown(4)), " "), "6 4 2")
    t.equal(table.concat(pool:map_async(double, countdown(4)):get(), " "), "6 4 2")
    local got = {}
    for x in pool:imap(double, countdown(4)) do got[#got + 1] = x end
    t.equal(table.concat(got, " "), "6 4 2")
  end)

  test("a chunk may have any size, a list that says it has 2^40 elements is refused", function(pool)
    for _, size in ipairs { 1, 2, 3, 4, 2 ^ 31 | 0, 2 ^ 32 | 0, math.maxinteger } do
      t.equal(table.concat(pool:map(double, { 1, 2, 3 }, size), " "), "2 4 6")
    end
    for _, length in ipairs { 2 ^ 31 | 0, 2 ^ 40 | 0, math.maxinteger } do
      t.raises("the list is too long", pool.map, pool, double, setmetatable({}, { __len = function() return length end }))
    end
    t.equal(#pool:map(double, setmetatable({}, { __len = function() return math.mininteger end })), 0)
  end)

  test("apply calls with a list of arguments and gives all results", function(pool)
    local n, a, b = pool:apply(function(...) return select("#", ...), ... end, { 1, nil, n = 2 })
    t.equal(n, 2)
    t.equal(a, 1)
    t.equal(b, nil)
    t.equal(pool:apply(function() return "none" end), "none")
    t.raises("broken", pool.apply, pool, error, { "broken" })
  end)

  test("apply_async gives an AsyncResult", function(pool)
    local gate <close> = executors.gate()
    local r = pool:apply_async(gate.pass, { gate.path, 7 })
    t.equal(r:ready(), false)
    t.equal(r:wait(0.002), false)
    t.raises_kind("timeout", r.get, r, 0.002)
    t.raises_kind("invalid_state", r.successful, r)
    gate:open()
    t.equal(r:get(), 7)
    t.equal(r:ready() and r:successful() and r:wait(), true)
    local failed = pool:apply_async(error, { "x" })
    t.equal(failed:wait(), true)
    t.equal(failed:successful(), false)
    t.raises("^x$", failed.get, failed)
  end)

  test("map keeps the order for every chunk size and waits for all", function(pool)
    for _, n in ipairs { 0, 1, 7, 50 } do
      for _, chunksize in ipairs { 0, 1, 3, 50, 100 } do
        local got = pool:map(double, numbers(n), chunksize ~= 0 and chunksize or nil)
        t.equal(#got, n)
        for i = 1, n do t.equal(got[i], 2 * i) end
      end
    end
    local i = 0
    t.equal(#pool:map(double, function()
      i = i + 1
      return i <= 4 and i or nil
    end), 4)
    t.raises("must be one or more", pool.map, pool, double, {}, 0)
  end)

  test("map raises the error of a task when all have ended, and join does not hang (93)", function(pool)
    for _ = 1, 5 do t.raises("no threes", pool.map, pool, no_threes, numbers(10), 1) end
    pool:close()
    pool:join()
  end)

  test("starmap spreads each element", function(pool)
    local got = pool:starmap(math.max, { { 1, 5 }, { 7, 2, 3 }, { 4 } })
    t.equal(table.concat(got, " "), "5 7 4")
    t.equal(table.concat(pool:starmap_async(math.max, { { 1, 5 } }):get(), " "), "5")
    t.raises("bad element #2", pool.starmap, pool, math.max, { { 1 }, 2 })
  end)

  test("map_async gives the list to its callback, or the error (91)", function(pool)
    local got, err
    local r = pool:map_async(double, numbers(5), 2, function(list) got = list end)
    t.eventually(function() return got end)
    t.equal(table.concat(got, " "), "2 4 6 8 10")
    t.equal(table.concat(r:get(), " "), "2 4 6 8 10")
    pool:map_async(no_threes, numbers(5), 1, function() got = "wrong" end, function(e) err = e end)
    t.eventually(function() return err end)
    t.equal(err, "no threes")
    t.equal(type(got), "table")
    local one
    pool:apply_async(double, { 4 }, function(x) one = x end)
    t.eventually(function() return one == 8 end)
  end)

  test("an empty list is an empty result at once (91)", function(pool)
    local called
    t.equal(#pool:map(double, {}), 0)
    t.equal(#pool:map_async(double, {}, nil, function(list) called = #list end):get(0), 0)
    t.equal(called, 0)
    t.equal(pool:imap(double, {})(), nil)
    t.equal(pool:imap_unordered(double, {}, 3)(), nil)
  end)

  test("imap is in order, imap_unordered is complete", function(pool)
    for _, chunksize in ipairs { 1, 3, 20 } do
      local i, sum = 0, 0
      for value in pool:imap(double, numbers(10), chunksize) do
        i = i + 1
        t.equal(value, 2 * i)
      end
      t.equal(i, 10)
      for value in pool:imap_unordered(double, numbers(100), chunksize) do sum = sum + value end
      t.equal(sum, 10100)
    end
  end)

  test("imap goes on behind a call that is cancelled: the calls of its chunk that were not made are, too", function(pool)
    local it, got = pool:imap(function(x)
      if x == 2 then
        require "gilua.threading".current_thread():cancel()
        require "gilua.time".sleep(60)
      end
      return x
    end, numbers(6), 3), {}
    for i = 1, 6 do
      local ok, value = pcall(it)
      got[i] = ok and value or value.kind
    end
    t.equal(table.concat(got, " "), "1 cancelled cancelled 4 5 6")
    t.equal(it(), nil)
  end)

  test("imap_unordered gives what is ready first", function(pool)
    local gate <close> = executors.gate()
    local next_one = pool:imap_unordered(gate.pass, (function()
      local i = 0
      return function()
        i = i + 1
        return ({ gate.path, "/" })[i]
      end
    end)())
    t.equal(next_one(), false)
    gate:open()
    t.equal(next_one(), false)
    t.equal(next_one(), nil)
  end)

  test("an error in imap is one result: the iteration can go on", function(pool)
    for _, method in ipairs { "imap", "imap_unordered" } do
      local next_one = pool[method](pool, no_threes, numbers(5))
      local sum, errors = 0, 0
      while true do
        local ok, value = pcall(next_one)
        if ok and value == nil then break end
        if ok then sum = sum + value else errors = errors + 1 end
      end
      t.equal(sum, 12)
      t.equal(errors, 1)
    end
  end)

  test("use after close raises, join of a running pool too (95)", function(pool)
    t.equal(t.raises_kind("invalid_state", pool.join, pool).state, "running")
    pool:close()
    for _, method in ipairs { "apply", "apply_async", "map", "map_async", "starmap", "imap", "imap_unordered" } do
      t.raises_kind("invalid_state", pool[method], pool, double, {})
    end
    pool:join()
    pool:join()
    pool:terminate()
  end)

  test("close and join complete what was submitted (95)", function(pool)
    local r = pool:map_async(double, numbers(50), 1)
    pool:close()
    pool:join()
    t.equal(#r:get(0), 50)
  end)

  test("terminate with 10000 long tasks is prompt (95), what takes a minute", function(pool)
    local r = pool:map_async(function() require "gilua.time".sleep(60) end, numbers(t.hostile and 500 or 10000), 1)
    pool:terminate()
    pool:join()
    t.raises_kind("cancelled", r.get, r)
  end)

  t.test("Pool over " .. kind.name .. ": the initializer runs with its arguments, and the pool ends with its scope", function()
    local r
    do
      local pool <close> = multiprocessing._pool_over(kind.new, {
        processes = 1,
        initializer = function(x) _G.multiprocessing_pool_test_value = x end,
        initargs = { 9 },
      })
      t.equal(pool:apply(function() return _G.multiprocessing_pool_test_value end), 9)
      r = pool:apply_async(function() require "gilua.time".sleep(60) end)
    end
    t.raises_kind("cancelled", r.get, r)
    t.raises("processes", multiprocessing._pool_over, kind.new, { processes = 0 })
  end)
end)

t.test("wrong options of Pool are named at the caller's position", function()
  for options, pattern in pairs {
    ["{ processes = 0 }"] = "bad field 'processes' to 'Pool' %(must be an integer from 1 to 1024, got 0%)",
    ["{ processes = 'two' }"] = "bad field 'processes' to 'Pool'",
    ["{ maxtasksperchild = 1.5 }"] = "bad field 'maxtasksperchild' to 'Pool'",
    ["{ process = 2 }"] = "unknown field 'process' to 'Pool' %(it has processes, ",
    ["'2'"] = "bad argument #1 to 'Pool' %(table expected, got string: Pool takes one table",
    ["2.5"] = "bad field 'processes' to 'Pool'",
    ["2, {}"] = "bad argument #2 to 'Pool' %(no value expected",
  } do
    local code = assert(load("local Pool = ... Pool(" .. options .. ")", "=line"))
    t.raises("^line:1: " .. pattern, code, multiprocessing.Pool)
  end
end)

t.test("cpu_count is what the affinity mask allows, or less", function()
  local p <close> = io.popen("nproc")
  local n = p:read("n")
  local count = multiprocessing.cpu_count()
  t.equal(math.type(count), "integer")
  t.near(count, 1, n)
  local text = t.run({ "-e", "print(require'gilua.multiprocessing'.cpu_count())" }, { before = "taskset -c 0 " })
  t.equal(text, "1\n")
end)

t.finish()
