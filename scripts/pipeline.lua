-- A pipeline of processes over queues: one finds text files, some count their words, one adds up, the program shows the result.
-- usage: pipeline.lua [folder or file …]     without any: texts that most systems have
local mp = require "gilua.multiprocessing"

for _, path in ipairs(arg) do
  local file <close> = io.open(path)
  if not file then
    io.stderr:write("cannot read '" .. path .. "'\nusage: pipeline.lua [folder or file …]\n")
    os.exit(2)
  end
end

local function find(paths, names)
  for _, path in ipairs(paths) do
    local pipe <close> = assert(io.popen("find -L '" .. path:gsub("'", "'\\''") .. "' -type f -size -8192k 2>/dev/null"))
    for name in pipe:lines() do names:put(name) end
  end
end

local function count(names, counts)
  while true do
    local name = names:get()
    if name == false then break end -- nothing comes any more
    local words, file = {}, io.open(name)
    if file then
      for line in file:lines() do
        for word in line:gmatch "%a[%a']*" do words[word:lower()] = (words[word:lower()] or 0) + 1 end
      end
      file:close()
    end
    counts:put { name = name, words = words }
  end
  counts:put(false)
end

local function add_up(counts, counters, result)
  local all, files = {}, 0
  while counters > 0 do
    local item = counts:get()
    if item then
      files = files + 1
      for word, n in pairs(item.words) do all[word] = (all[word] or 0) + n end
    else
      counters = counters - 1
    end
  end
  result:send { files = files, words = all }
end

local paths = #arg > 0 and arg or { "/usr/share/common-licenses", "/usr/share/perl" }
local list = table.move(paths, 1, #paths, 1, {}) -- arg has more than the list
local names, counts, counters = mp.Queue(100), mp.Queue(100), mp.cpu_count()
local receiver, sender = mp.Pipe(false)
local finder = mp.Process { name = "finder", target = find, args = { list, names } }:start()
for i = 1, counters do mp.Process { name = "counter " .. i, target = count, args = { names, counts } }:start() end
mp.Process { name = "adder", target = add_up, args = { counts, counters, sender } }:start()
sender:close()
finder:join()
for _ = 1, counters do names:put(false) end

local result, why = receiver:recv()
if not result then error("the adder has ended: " .. why) end
local sorted = {}
for word in pairs(result.words) do sorted[#sorted + 1] = word end
table.sort(sorted, function(a, b)
  if result.words[a] ~= result.words[b] then return result.words[a] > result.words[b] end
  return a < b
end)
print(("%d files, %d different words"):format(result.files, #sorted))
for i = 1, math.min(10, #sorted) do print(("%8d  %s"):format(result.words[sorted[i]], sorted[i])) end
