local futures = require "gilua.futures"
local done, failed, cancelled, pending = futures.Future(), futures.Future(), futures.Future(), futures.Future()
local function has(list, f)
  for _, g in ipairs(list) do
    if g == f then return true end
  end
  return false
end
done:set_result(1)
failed:set_exception "error"
cancelled:cancel()
local d, n = futures.wait({ done, failed, cancelled, pending }, { timeout = 0 })
print(#d, #n, has(n, pending))
d, n = futures.wait({ pending, done }, { return_when = futures.FIRST_COMPLETED })
print(has(d, done), #n)
d, n = futures.wait({ pending, done, failed }, { return_when = futures.FIRST_EXCEPTION })
print(has(d, failed), has(d, done), #n)
d, n = futures.wait { done, done }
print(#d, #n)
if not pcall(futures.wait, { done, pending }, { return_when = "SOME" }) then print "which?" end
