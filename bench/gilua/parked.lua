-- Runs one of the programs in bench/lua while PARKED other threads wait for an event.
-- usage: parked.lua PARKED CASE.lua [ARGUMENTS]
local threading = require "gilua.threading"
local parked, script = tonumber(table.remove(arg, 1)), table.remove(arg, 1)
local done, threads = threading.Event(), {}
for i = 1, parked do threads[i] = threading.start(done.wait, done) end
for _, t in ipairs(threads) do
  while t.waits_for ~= "event" do require "gilua.time".sleep(0.001) end
end
dofile(script)
done:set()
