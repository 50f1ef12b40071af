local futures, gilua = require "gilua.futures", require "gilua"
local a, b, c = futures.Future(), futures.Future(), futures.Future()
a:set_result "a"
c:cancel()
local got = {}
for f in futures.as_completed { a, c, a } do got[#got + 1] = f:cancelled() and "'cancelled'" or "'" .. f:result() .. "'" end
table.sort(got)
print("[" .. table.concat(got, ", ") .. "]")
for _ in futures.as_completed {} do print "never" end
print "[]"
local it = futures.as_completed({ b, a }, 0.05)
print(it():result())
local _, e = pcall(it)
if gilua.is_error(e, "timeout") then print "timeout" end
b:set_result "b"
for f in futures.as_completed { b } do print("['" .. f:result() .. "']") end
