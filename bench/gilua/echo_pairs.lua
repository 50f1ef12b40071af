-- Round trips of P pairs of threads, N each, over socket pairs, beside B threads that compute: how many of them take more than
-- 2 ms.
-- usage: echo_pairs.lua [N] [P] [B] [POLICY]
local C = require "common"
local threading = require "gilua.threading"
local socket = require "gilua.socket"
local gil = require "gilua.gil"
local n, pairs_, spinners, policy = C.args(300, 8, 1, "fair")
gil.policy(policy)

local stop = false
local function spin() while not stop do for _ = 1, 1000 do end end end

local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()

local function connection()
  local near = assert(socket.connect("127.0.0.1", port))
  local far = assert(listener:accept())
  near:setoption("tcp-nodelay", true)
  far:setoption("tcp-nodelay", true)
  return near, far
end

local function echo(far)
  for line in function() return (far:receive()) end do far:send(line .. "\n") end
  far:close()
end

local function ask(near, times)
  for i = 1, n do
    local t0 = C.now()
    near:send("ping\n")
    near:receive()
    times[i] = C.now() - t0
  end
  near:close()
end

local computing, talking, taken = {}, {}, {}
for i = 1, spinners do computing[i] = threading.start(spin) end
local t0 = C.now()
for i = 1, pairs_ do
  local near, far = connection()
  taken[i] = {}
  talking[2 * i - 1] = threading.start(echo, far)
  talking[2 * i] = threading.start(ask, near, taken[i])
end
for _, thread in ipairs(talking) do thread:join() end
local seconds = C.now() - t0
stop = true
for _, thread in ipairs(computing) do thread:join() end

local all, over = {}, 0
for _, times in ipairs(taken) do
  for _, s in ipairs(times) do
    all[#all + 1] = s * 1e6
    if s > 0.002 then over = over + 1 end
  end
end
table.sort(all)
C.per_op("echo_pairs." .. policy, #all, seconds, { "over_2ms_percent", 100 * over / #all, "p50_us", C.percentile(all, 0.5),
  "p99_us", C.percentile(all, 0.99), "max_us", all[#all] })
