local multiprocessing = require "gilua.multiprocessing"
State = { n = 1 }
local function list(l) return "['" .. table.concat(l, "', '") .. "']" end
local function f(given)
  given[#given + 1] = "child"
  State.n = State.n + 1
  print(list(given), State.n)
end
local given, p = { "parent" }, nil
for _ = 1, 2 do
  p = multiprocessing.Process { target = f, args = { given } }
  p:start()
  p:join()
end
print(list(given), State.n, p.exitcode)
