-- The functions of all_bind.h, called. Runs in gilua and, without buffers, in lua5.4.
local m = require "bound_all"
local found, native = pcall(require, "gilua.native")

local function equal(got, want)
  if got ~= want then error(("got %s, want %s"):format(tostring(got), tostring(want)), 2) end
end

local function raises(pattern, f, ...)
  local ok, e = pcall(f, ...)
  if ok or not tostring(e):find(pattern) then error(("%s is not like %s"):format(tostring(e), pattern), 2) end
end

equal(m.RED + m.GREEN + m.BLUE + m.SMALL + m.LARGE, 11)
equal(m.next_colour(m.RED), m.GREEN)
raises("range", m.next_colour, 1 << 33)
local result, size = m.grow(m.SMALL)
equal(result + size, 2)
equal(select("#", m.invert(true)), 2)
equal(m.invert(false), true)
equal(select(2, m.invert(true)), true)
raises("boolean expected, got number", m.invert, 1)

equal(table.concat(m.cross({ 1, 0, 0 }, { 0, 1, 0 }), " "), "0.0 0.0 1.0")
raises("#2.*must have 3 elements", m.cross, { 1, 2, 3 }, { 1, 2 })
raises("#1.*element 2 is no number", m.cross, { 1, "x", 3 }, { 1, 2, 3 })
raises("table expected", m.cross, 5, {})
equal(table.concat(m.rotate { 1, -2, 3, 4 }, " "), "-2 3 4 1")
raises("range", m.rotate { 1, 2, 3, 4 } and m.rotate, { 1, 2, 3, 40000 })
raises("element 1 is no integer", m.rotate, { 1.5, 2, 3, 4 })
equal(m.digest("abcdabcd!"), "!\0\0\0")
raises("string or buffer expected, got number", m.digest, 5)
equal(m.name_of(1) .. m.name_of(0), "one")
equal(m.twice("ab" .. ("c"):rep(300)), ("ab" .. ("c"):rep(300)):rep(2))
raises("contains zeros", m.twice, "a\0b")
equal(m.word(1), "word")
equal(m.word(0), nil)

local seen = {}
equal(m.sum_of(function(...)
  seen[#seen + 1] = table.concat({ tostring((...)), select(2, ...), tostring((select(3, ...))), select(4, ...), select("#", ...) }, " ")
  return (...) * 10
end, 3), 60)
equal(table.concat(seen, ", "), "1 text true 0.5 4, 2 text false 1.0 4, 3 text true 1.5 4")
local calls = 0
raises("my error", m.sum_of, function() calls = calls + 1 error "my error" end, 5)
equal(calls, 1)
raises("sum_of: a callback must return an integer", m.sum_of, function() return "x" end, 1)
raises("function expected, got number", m.sum_of, 5, 1)
raises("yield", coroutine.wrap(function() m.each(1, coroutine.yield) end))
local order = {}
m.each(3, function(i) order[#order + 1] = i m.each(1, function(k) order[#order + 1] = "-" .. k end) end)
equal(table.concat(order), "2-01-00-0")

local thing = m.thing(4)
equal(m.n(thing), 4)
local none, message, code = m.thing(-1)
equal(none, nil)
equal(message .. code, "no // thing; none0")
raises("Thing expected, got no value", m.n)
do local t <close> = thing end
raises("is closed", m.n, thing)
equal(m.add(1, 2, 3), 3)
raises("number expected", m.add, 1)

if found then
  equal(m.mean(native.buffer("f32", { 1, 2, 6 })), 3.0)
  raises("buffer of f32 expected, got table", m.mean, {})
  raises("buffer of f32 expected, got no value", m.mean)
  local gilua = require "gilua"
  local function far_away() error("short", 0) end
  local ok, e = pcall(m.sum_of, function() far_away() end, 1)
  local traceback = gilua.traceback_of(e)
  assert(not ok and traceback:find "far_away" and traceback:find "sum_of" and traceback:find "main chunk", traceback)
  raises("buffer of f32 expected, got f64", m.mean, native.buffer("f64", 1))
  equal(m.digest(native.buffer("u8", "ab")), "ab\0\0")
end
print "bound"
