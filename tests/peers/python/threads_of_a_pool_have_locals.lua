local threading, futures = require "gilua.threading", require "gilua.futures"
local here, made = threading.Local(), {}
local function begin(first)
  here.count = first
  made[#made + 1] = threading.current_thread().name:sub(1, 1) == "w" and "True"
end
local function work()
  here.count = here.count + 1
  return here.count
end
do
  local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = "w", initializer = begin, initargs = { 10 } }
  local list = {}
  for x in pool:map(work, { 1, 2, 3, 4 }) do list[#list + 1] = x end
  print(table.concat(list, " "))
end
print("[" .. table.concat(made, ", ") .. "]", here.count ~= nil)
