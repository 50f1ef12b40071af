local futures, threading = require "gilua.futures", require "gilua.threading"
threading.excepthook = function() end
local log = {}
local function note(x) log[#log + 1] = type(x) == "string" and "'" .. x .. "'" or tostring(x) end
local f = futures.Future()
f:add_done_callback(function() note "first" end)
f:add_done_callback(function() error "fails" end)
f:add_done_callback(function(g) note(g:result()) end)
f:add_done_callback(function(g) note(g == f) end)
f:set_result "result"
while #log < 3 do end
print("[" .. table.concat(log, ", ") .. "]")
f:add_done_callback(function() note "at once" end)
print((log[#log]:gsub("'", "")))
local g = futures.Future()
g:add_done_callback(function() note(g:cancelled()) end)
g:cancel()
while #log < 5 do end
print(log[#log])
