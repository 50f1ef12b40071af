-- Memory of a worker that it shares with nobody, beside a parent whose heap has 200 MiB.
-- usage: pool_memory.lua [idle|busy] [MIB]
-- idle: it has done one trivial task; busy: it has made a million short-lived tables.
local C = require "common"
local futures = require "gilua.futures"
local mode, mib = C.args("idle", 200)
local heap = {}
for i = 1, math.huge do
  heap[i] = { id = i, name = "record " .. i, x = i * 0.5 }
  if i % 10000 == 0 and collectgarbage("count") > mib * 1024 then break end
end

local function pid() return io.open("/proc/self/stat"):read("n") end
local function work()
  local last
  for i = 1, 1000000 do last = { i, tostring(i) } end
  return #last
end
local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
local worker = pool:submit(pid):result()
if mode == "busy" then pool:submit(work):result() end
C.emit("pool_memory." .. mode, { "heap_mib", collectgarbage("count") / 1024, "kib", C.private_kb(worker) })
