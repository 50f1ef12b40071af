-- threading.Local: a table with other contents in each thread. Behaviour 18 is in shutdown_test.lua.
local t = require "testing"
local threading = require "gilua.threading"

t.test("each thread sees what it put there, and nothing else", function()
  local store = threading.Local()
  store.name = "main"
  local gate = threading.Barrier(5)
  local threads = t.start(5, function(i)
    local before = store.name
    store.name = i
    gate:wait(t.limit) -- all have written
    return before, store.name
  end)
  for i, thread in ipairs(threads) do
    local before, after = thread:result()
    t.equal(before, nil)
    t.equal(after, i)
  end
  t.equal(store.name, "main")
end)

t.test("two Locals share nothing", function()
  local a, b = threading.Local(), threading.Local()
  a.x = 1
  t.equal(b.x, nil)
  b.x = 2
  t.equal(a.x, 1)
  t.equal(a == b, false)
end)

t.test("a Local takes any key and value that a table takes", function()
  local store, key = threading.Local(), {}
  store[key], store[1.5], store[true] = "table", "float", false
  t.equal(store[key], "table")
  t.equal(store[1.5], "float")
  t.equal(store[true], false)
  store[key] = nil
  t.equal(store[key], nil)
  t.raises("index is nil", function() store[nil] = 1 end)
  t.raises("index is NaN", function() store[0 / 0] = 1 end)
  t.equal(store[nil], nil)
end)

t.test("pairs, ipairs and the length are those of the thread's contents", function()
  local store = threading.Local()
  for i = 1, 3 do store[i] = i * i end
  store.name = "x"
  local n, sum = 0, 0
  for k, v in pairs(store) do
    n = n + 1
    if k ~= "name" then sum = sum + v end
  end
  t.equal(n, 4)
  t.equal(sum, 14)
  t.equal(#store, 3)
  n = 0
  for _ in ipairs(store) do n = n + 1 end
  t.equal(n, 3)
  table.insert(store, 16)
  t.equal(table.concat(store, " "), "1 4 9 16")
  local length, next_key = threading.start(function() return #store, (pairs(store)(store)) end):result()
  t.equal(length, 0)
  t.equal(next_key, nil)
end)

t.test("entries can be removed while pairs goes over them", function()
  local store = threading.Local()
  for i = 1, 50 do store["k" .. i] = i end
  for k in pairs(store) do store[k] = nil end
  t.equal(next({}, nil), nil)
  for _ in pairs(store) do error("not empty") end
end)

t.test("contents survive any number of waits and switches", function()
  t.at_intervals(function()
    local store = threading.Local()
    t.join(t.start(4, function(i)
      store.count = 0
      for _ = 1, 2000 do store.count = store.count + 1 end
      t.equal(store.count, 2000, "thread " .. i)
    end))
    t.equal(store.count, nil)
  end)
end)

t.test("coroutines see the contents of the thread that runs them", function()
  local store = threading.Local()
  store.who = "main"
  local look = coroutine.wrap(function() while true do coroutine.yield(store.who) end end)
  t.equal(look(), "main")
  t.equal(threading.start(function()
    store.who = "other"
    return look()
  end):result(), "other")
  t.equal(look(), "main")
end)

t.test("contents go when their thread ends", function()
  local store, weak = threading.Local(), setmetatable({}, { __mode = "v" })
  threading.start(function()
    store.value = {}
    weak[1] = store.value
    collectgarbage()
    assert(weak[1], "collected while the thread lives")
  end):result()
  collectgarbage()
  t.equal(weak[1], nil)
end)

t.test("contents go with their Local, also when they refer to it", function()
  local weak = setmetatable({}, { __mode = "v" })
  do
    local store = threading.Local()
    store.value = { store }
    weak.store, weak.value = store, store.value
  end
  collectgarbage()
  t.equal(weak.store, nil)
  t.equal(weak.value, nil)
end)

t.test("a Local can be kept in the Local of another, and in tables", function()
  local outer, inner = threading.Local(), threading.Local()
  outer.inner, inner.x = inner, 5
  t.equal(outer.inner.x, 5)
  local count = { [outer] = 1 }
  t.equal(count[outer], 1)
end)

t.test("a thousand Locals in ten threads come and go", function()
  local before = collectgarbage("count")
  t.join(t.start(10, function()
    for i = 1, 100 do
      local store = threading.Local()
      store.data = ("x"):rep(1000) .. i
      assert(#store.data >= 1001)
    end
  end))
  collectgarbage()
  t.near(collectgarbage("count") - before, -1e9, 200, "KiB left over")
end)

t.finish()
