-- executor:map of every executor. Behaviours 69, 70 and 92.
local t = require "testing"
local futures = require "gilua.futures"
local executors = require "executors"

local function numbers(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

local function collect(...)
  local got = {}
  for value in ... do got[#got + 1] = value end
  return got
end

local function double(x) return 2 * x end

executors.each(function(kind)
  local function test(name, f)
    t.test(kind.name .. ": " .. name, function()
      local pool <close> = kind.new { max_workers = 3 }
      f(pool)
    end)
  end

  test("results come in order, for every chunk size (69)", function(pool)
    for _, n in ipairs { 0, 1, 2, 7, 100 } do
      for _, chunksize in ipairs { 1, 2, 7, 99, 100, 1000 } do
        local got = collect(pool:map(double, numbers(n), { chunksize = chunksize }))
        t.equal(#got, n)
        for i = 1, n do t.equal(got[i], 2 * i) end
      end
      t.equal(#collect(pool:map(double, numbers(n))), n)
    end
  end)

  test("an object that can be called is an iterator, unless it has elements", function(pool)
    local function countdown(n, fields)
      return setmetatable(fields or {}, { __call = function()
        n = n - 1
        if n > 0 then return n end
      end })
    end
    t.equal(table.concat(collect(pool:map(double, countdown(4))), " "), "6 4 2")
    t.equal(table.concat(collect(pool:map(function(a, b) return a + b end, countdown(3), { 10, 20 })), " "), "12 21")
    t.equal(table.concat(collect(pool:map(double, countdown(4, { 7, 8 }))), " "), "14 16")
    local proxy = setmetatable({}, { __index = function(_, i) return i < 3 and i or nil end, __call = print })
    t.equal(table.concat(collect(pool:map(double, proxy)), " "), "2 4")
  end)

  test("order does not depend on who is ready first", function(pool)
    local got = collect(pool:map(function(ms)
      require "gilua.time".sleep(ms / 1000)
      return ms
    end, { 9, 6, 3, 0 }))
    t.equal(table.concat(got, " "), "9 6 3 0")
  end)

  test("lists are zipped up to the shortest", function(pool)
    local function add(a, b, c) return a + b * 10 + c * 100 end
    for _, options in ipairs { {}, { chunksize = 2 } } do
      options.timeout = 60
      local got = collect(pool:map(add, { 1, 2, 3 }, { 4, 5, 6, 7 }, { 7, 8, 9, 1, 2 }, options))
      t.equal(table.concat(got, " "), "741 852 963")
    end
    t.equal(#collect(pool:map(add, { 1 }, {}, { 2 })), 0)
  end)

  test("an empty table behind one source is for options, behind several it is a list", function(pool)
    t.equal(#collect(pool:map(tostring, { 1, 2 }, {})), 2)
    t.equal(#collect(pool:map(rawequal, { 1, 2 }, { 3, 4 }, {})), 0)
    t.equal(#collect(pool:map(rawequal, { 1, 2 }, { 3, 4 }, {}, { timeout = 60 })), 0)
  end)

  test("sources may be iterators, without end", function(pool)
    local n = 0
    local function naturals()
      n = n + 1
      return n
    end
    local sum = 0
    for value in pool:map(double, naturals) do
      sum = sum + value
      if value == 200 then break end
    end
    t.equal(sum, 10100)
    t.equal(n < 2000, true, "read " .. n)
    local got = collect(pool:map(function(word, i) return word .. i end, ("a b c"):gmatch("%a"), { 1, 2, 3 }))
    t.equal(table.concat(got, " "), "a1 b2 c3")
  end)

  test("buffersize bounds what is read ahead", function(pool)
    for _, chunksize in ipairs { 1, 3, 50 } do
      local read = 0
      local next_one = pool:map(double, function()
        read = read + 1
        return read
      end, { buffersize = 10, chunksize = chunksize })
      t.equal(read <= 10, true, "read " .. read)
      for i = 1, 30 do
        t.equal(next_one(), 2 * i)
        t.equal(read <= i + 10, true, "read " .. read)
      end
    end
  end)

  test("tasks are submitted without being asked for (70)", function(pool)
    local gate <close> = executors.gate()
    local read = 0
    local next_one = pool:map(gate.pass, function()
      read = read + 1
      return read <= 5 and gate.path or nil
    end, numbers(9))
    t.equal(read, 6)
    gate:open()
    t.equal(next_one(), 1)
  end)

  test("a call that is cancelled leaves the results before it in its chunk", function(pool)
    for _, chunksize in ipairs { 1, 2, 6 } do
      local it = pool:map(function(x)
        if x == 3 then
          require "gilua.threading".current_thread():cancel()
          require "gilua.time".sleep(60)
        end
        return x
      end, numbers(6), { chunksize = chunksize })
      t.equal(it(), 1)
      t.equal(it(), 2)
      t.raises_kind("cancelled", it)
    end
  end)

  test("only the first result of a call counts, whatever cannot be sent behind it, for every chunk size", function(pool)
    for _, chunksize in ipairs { 1, 2, 3, false } do
      local function call(x) return x, coroutine.create(print), function() end end
      local got = collect(pool:map(call, { 1, 2, 3 }, { chunksize = chunksize or nil }))
      t.equal(table.concat(got, " "), "1 2 3")
    end
  end)

  test("nil and false come as false, so that the loop goes on", function(pool)
    for _, options in ipairs { { chunksize = 1 }, { chunksize = 3 } } do
      local got = collect(pool:map(function(x) if x % 2 == 0 then return x end end, numbers(5), options))
      t.equal(#got, 5)
      t.equal(got[1], false)
      t.equal(got[2], 2)
    end
  end)

  test("an error appears at its position, after the values before it (69)", function(pool)
    for _, chunksize in ipairs { 1, 2, 3, 20 } do
      local got = {}
      local err = t.raises("no fives", function()
        for value in pool:map(function(x)
          if x == 5 then error("no fives") end
          return x
        end, numbers(20), { chunksize = chunksize }) do got[#got + 1] = value end
      end)
      t.equal(table.concat(got, " "), "1 2 3 4")
      t.equal(type(err), "string")
    end
  end)

  test("after an error the iteration is over", function(pool)
    local next_one = pool:map(error, { "x" })
    t.equal(select(2, pcall(next_one)), "x")
    t.equal(next_one(), nil)
  end)

  test("a source that raises is raised after the values before it (92)", function(pool)
    for _, at in ipairs { 1, 2, 7 } do
      for _, chunksize in ipairs { 1, 4 } do
        local i, got = 0, {}
        t.raises("source broken", function()
          for value in pool:map(double, function()
            i = i + 1
            if i == at then error("source broken") end
            return i
          end, { chunksize = chunksize }) do got[#got + 1] = value end
        end)
        t.equal(#got, at - 1)
      end
    end
  end)

  test("leaving the loop cancels what has not begun (70)", function(pool)
    local gate <close> = executors.gate()
    local blocked, log, late = {}, os.tmpname(), executors.gate()
    for i = 1, 2 do blocked[i] = pool:submit(gate.pass, gate.path, i) end
    t.eventually(function() return blocked[1]:running() and blocked[2]:running() end)
    local function note(x, pass, path, name)
      local file <close> = io.open(name, "a")
      file:write(x, "\n")
      file:flush()
      if x > 1 then pass(path) end
      return x
    end
    local function always(value) return function() return value end end
    for value in pool:map(note, numbers(30), always(late.pass), always(late.path), always(log)) do
      if value == 1 then break end
    end
    late:open()
    gate:open()
    pool:shutdown()
    t.equal(blocked[2]:result(), 2)
    local file <close> = io.open(log)
    os.remove(log)
    local begun = select(2, file:read("a"):gsub("\n", ""))
    t.near(begun, 1, 2) -- the second may wait for its gate
  end)

  test("the timeout counts from the call (69)", function(pool)
    local gate <close> = executors.gate()
    local next_one = pool:map(gate.pass, { gate.path }, { 1 }, { timeout = 0.005 })
    t.raises_kind("timeout", next_one)
    gate:open()
    t.equal(select("#", pool:map(double, { 1 }, { timeout = 100 })), 4)
  end)

  test("options are checked", function(pool)
    for _, bad in ipairs { 0, -1, 1.5, "x" } do
      t.raises("chunksize", pool.map, pool, double, {}, { chunksize = bad })
      t.raises("buffersize", pool.map, pool, double, {}, { buffersize = bad })
    end
    t.raises("timeout", pool.map, pool, double, {}, { timeout = -1 })
    t.raises("unknown field 'chunk_size' to 'map'", pool.map, pool, double, {}, { chunk_size = 1 })
    t.raises("list or iterator expected", pool.map, pool, double, 3)
    t.raises("list or iterator expected, got string: .*gmatch", pool.map, pool, double, "abc")
    t.raises("pairs", pool.map, pool, double, pairs {})
    t.raises("ipairs", pool.map, pool, double, ipairs {})
    t.raises("function expected", pool.map, pool, 3, {})
    t.raises("bad argument", pool.map, pool, double)
  end)

  if kind.shared then -- a wait for a process does not show in waits_for
  test("an iterator is for one thread at a time", function(pool)
    local threading = require "gilua.threading"
    local gate <close> = executors.gate()
    local next_one = pool:map(gate.pass, { gate.path }, { 1 })
    local thread = threading.start(next_one)
    t.parked(thread)
    t.raises("in use by another thread", next_one)
    gate:open()
    t.equal(thread:result(), 1)
    t.equal(next_one(), nil)
  end)
  end

  test("results and errors are right at every interval", function(pool)
    t.at_intervals(function()
      local n = t.hostile and 20 or 300
      for _, chunksize in ipairs { 1, 8 } do
        local got = collect(pool:map(double, numbers(n), { chunksize = chunksize }))
        t.equal(#got, n)
        for i = 1, n do t.equal(got[i], 2 * i) end
      end
    end)
  end)
end)

t.test("progress passes values through, and draws nothing where stderr is no terminal", function()
  local i = 0
  local got = collect(futures.progress(function()
    i = i + 1
    if i <= 3 then return i end
  end, 3))
  t.equal(table.concat(got, " "), "1 2 3")
  t.raises("function expected", futures.progress, {})
end)

t.test("progress draws on a terminal", function()
  local p <close> = io.popen("command -v script")
  if not p:read("l") then return end
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write [[
    local futures = require "gilua.futures"
    do
      local pool <close> = futures.ThreadPoolExecutor{max_workers = 1, show_progress = true}
      for _ in pool:map(math.abs, {1, 2, 3}) do end
    end
    for _ in futures.progress(string.gmatch("a b", "%a")) do end]]
  file:close()
  local out <close> = io.popen(string.format("script -qec '%s %s' /dev/null </dev/null", os.getenv("GILUA"), path))
  local text = out:read("a")
  os.remove(path)
  t.equal(text:find("100% [##############################] 3/3", 1, true) ~= nil, true, text)
  t.equal(text:find("2 done, ", 1, true) ~= nil, true, text)
end)

t.finish()
