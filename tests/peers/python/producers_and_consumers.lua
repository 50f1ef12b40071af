local queue, threading = require "gilua.queue", require "gilua.threading"
local q, lock, out = queue.Queue(3), threading.Lock(), {}
local function produce(base)
  for i = 0, 19 do q:put(base + i) end
end
local function consume()
  while true do
    local item = q:get()
    if item == false then return end
    lock:with(table.insert, out, item)
  end
end
local producers, consumers = {}, {}
for n = 1, 3 do producers[n] = threading.start(produce, 100 * (n - 1)) end
for n = 1, 2 do consumers[n] = threading.start(consume) end
for _, t in ipairs(producers) do t:join() end
for _ in ipairs(consumers) do q:put(false) end
for _, t in ipairs(consumers) do t:join() end
local sum, low = 0, 0
for _, x in ipairs(out) do
  sum = sum + x
  if x < 100 then low = low + x end
end
print(#out, sum, q:empty())
print(low == 190)
