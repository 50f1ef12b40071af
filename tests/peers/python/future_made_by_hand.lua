local futures, gilua = require "gilua.futures", require "gilua"
local f = futures.Future()
print(f:done(), f:running(), f:cancelled())
print(f:set_running(), f:running(), f:cancel())
f:set_result(7)
print(f:done(), f:running(), f:result(), f:exception())
local _, e = pcall(f.set_result, f, 8)
if gilua.is_error(e, "invalid_state") then print "decided" end
local g = futures.Future()
g:set_exception "wrong"
print(g:done(), g:exception())
_, e = pcall(g.result, g)
print("raised", e)
local h = futures.Future()
print(h:cancel(), h:cancelled(), h:done(), h:set_running())
_, e = pcall(h.set_result, h, 1)
if gilua.is_error(e, "invalid_state") then print "cancelled" end
