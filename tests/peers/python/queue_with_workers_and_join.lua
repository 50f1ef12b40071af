local threading, queue = require "gilua.threading", require "gilua.queue"
local q, done = queue.Queue(), {}
threading.Thread { target = function()
  while true do
    local item = q:get()
    done[#done + 1] = item * 2
    q:task_done()
  end
end, daemon = true }:start()
for item = 0, 4 do q:put(item) end
q:join()
print("[" .. table.concat(done, ", ") .. "]", q:empty(), q:qsize())
