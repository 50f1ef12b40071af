local futures, gilua = require "gilua.futures", require "gilua"
local pool <close> = futures.ProcessPoolExecutor { max_workers = 1 }
local _, e = pcall(function() pool:submit(os.exit, 3):result() end)
if gilua.is_error(e, "worker_died") then print "the worker died" end
