local multiprocessing, threading = require "gilua.multiprocessing", require "gilua.threading"
local log, done = {}, threading.Semaphore(0)
local function note(v)
  log[#log + 1] = "'" .. (type(v) == "table" and "[" .. table.concat(v, ", ") .. "]" or v) .. "'"
  done:release()
end
local pool <close> = multiprocessing.Pool(2)
pool:map_async(function(x) return x * x end, { 1, 2, 3 }, nil, note)
done:acquire()
pool:starmap_async(function(x) error("bad " .. x, 0) end, { { 4 } }, nil, note, function(e) note("error " .. e) end)
done:acquire()
print("[" .. table.concat(log, ", ") .. "]")
