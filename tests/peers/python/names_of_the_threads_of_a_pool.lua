local futures, threading = require "gilua.futures", require "gilua.threading"
local names, gate = {}, threading.Barrier(2)
do
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 2, thread_name_prefix = "crew" }
  for _ = 1, 2 do
    pool:submit(function()
      gate:wait()
      names[#names + 1] = "'" .. threading.current_thread().name .. "'"
    end)
  end
end
table.sort(names)
print("[" .. table.concat(names, ", ") .. "]")
