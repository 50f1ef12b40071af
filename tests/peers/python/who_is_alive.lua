local threading = require "gilua.threading"
local gate = threading.Event()
print(threading.active_count(), threading.enumerate()[1] == threading.main_thread())
local ts = {}
for i = 0, 2 do ts[i] = threading.Thread { target = function() gate:wait() end, name = "w" .. i } end
print(threading.active_count())
for i = 0, 2 do ts[i]:start() end
local names = {}
for _, t in ipairs(threading.enumerate()) do names[#names + 1] = "'" .. t.name .. "'" end
table.sort(names)
print(threading.active_count(), "[" .. table.concat(names, ", ") .. "]")
gate:set()
for i = 0, 2 do ts[i]:join() end
local there = false
for _, t in ipairs(threading.enumerate()) do there = there or t == ts[0] end
print(threading.active_count(), there)
