local futures = require "gilua.futures"
local function same(x) return x end
local function shared(x) return x[1] == x[2] end
local pool <close> = futures.ProcessPoolExecutor(1)
for _, x in ipairs { 1, -1, 2 ^ 62 | 0, 0.1, 1e308, math.huge, true, "", "text", "\0bytes\0", "\u{e9}" } do
  print(pool:submit(same, x):result() == x)
end
local a = {}
print(pool:submit(shared, { a, a }):result(), pool:submit(shared, { {}, {} }):result())
local loop = {}
loop.me = loop
local back = pool:submit(same, loop):result()
print(back.me == back, back == loop)
