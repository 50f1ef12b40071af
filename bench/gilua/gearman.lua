-- Tasks through a job server on 127.0.0.1, two worker processes: the peer of gearman_bare.c.
-- usage: gearman.lua one|many|large [N]
local C = require "common"
local futures, signal, time = require "gilua.futures", require "gilua.signal", require "gilua.time"
local mode, n = C.args("one", 2000)
local gilua = arg[-1]

local port = 20000 + time.time_ns() // 1000 % 10000
local dir = os.tmpname()
os.remove(dir)
os.execute("mkdir " .. dir)
local f <close> = io.open(dir .. "/echo.lua", "w")
f:write "return { echo = function(...) return ... end }"
f:close()

local pids = {}
local function start(command)
  local p <close> = io.popen(command .. " >/dev/null 2>>" .. dir .. "/log & echo $!")
  pids[#pids + 1] = p:read "n"
end
local stop <close> = setmetatable({}, { __close = function()
  for i = #pids, 1, -1 do signal.kill(pids[i], "SIGKILL") end
  os.execute("rm -rf " .. dir)
end })

start(("exec gearmand --listen=127.0.0.1 --port=%d --worker-wakeup=1 --log-file=none"):format(port))
start(("LUA_PATH='%s/?.lua;;' exec %s worker --gearman 127.0.0.1:%d --processes 2 --require echo")
  :format(dir, gilua, port))
local pool
for _ = 1, 1000 do -- until the server listens
  local ok, made = pcall(futures.GearmanExecutor, { servers = { "127.0.0.1:" .. port } })
  pool = ok and made
  if pool then break end
  time.sleep(0.01)
end

local bytes = ("x"):rep(mode == "large" and 16 << 20 or 16)
for _ = 1, 20 do pool:submit("echo:echo", ("x"):rep(16)):result() end
local began = C.now()
if mode == "many" then
  local list = {}
  for i = 1, n, 64 do
    for k = 1, 64 do list[k] = pool:submit("echo:echo", bytes) end
    for k = 1, 64 do assert(#list[k]:result() == 16) end
  end
else
  for _ = 1, n do assert(#pool:submit("echo:echo", bytes):result() == #bytes) end
end
C.per_op("gearman." .. mode, n, C.now() - began)
pool:terminate()
