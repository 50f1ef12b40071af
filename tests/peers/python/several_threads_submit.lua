local threading, futures, gilua = require "gilua.threading", require "gilua.futures", require "gilua"
local results, lock, ts = {}, threading.Lock(), {}
local function pow(n, k) return math.tointeger(n ^ k) end
local pool = futures.ThreadPoolExecutor(3)
local function client(n)
  local list, total = {}, 0
  for k = 1, 4 do list[k] = pool:submit(pow, n, k) end
  for _, f in ipairs(list) do total = total + f:result() end
  local _ <close> = lock:hold()
  results[#results + 1] = { n, total }
end
for n = 1, 5 do ts[n] = threading.start(client, n) end
for _, t in ipairs(ts) do t:join() end
pool:shutdown()
table.sort(results, function(a, b) return a[1] < b[1] end)
for _, r in ipairs(results) do print(r[1], r[2]) end
local ok, e = pcall(pool.submit, pool, pow, 1, 1)
if not ok and gilua.is_error(e, "invalid_state") then print "over" end
