local futures = require "gilua.futures"
for _, make in ipairs { "ThreadPoolExecutor", "ProcessPoolExecutor" } do
  for _, n in ipairs { 0, -1 } do
    if not pcall(futures[make], n) then print "one or more" end
  end
  if not pcall(futures[make], { max_workers = 1, initializer = "no function" }) then print "callable" end
end
local pool <close> = futures.ThreadPoolExecutor(1)
if not pcall(pool.submit, pool) then print "what" end
