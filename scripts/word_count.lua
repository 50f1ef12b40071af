-- Counts the words of text files: each file is mapped to its counts in a worker process, the counts are reduced here.
-- usage: word_count.lua [folder or file …]     without any: texts that most systems have
-- Beside job servers (cluster.lua) the workers are theirs, on any machine that has the files.
local futures = require "gilua.futures"

local function files_under(path)
  local list = {}
  local pipe <close> = assert(io.popen("find -L '" .. path:gsub("'", "'\\''") .. "' -type f -size -8192k 2>/dev/null"))
  for name in pipe:lines() do list[#list + 1] = name end
  return list
end

local function count_words(name)
  local counts, total = {}, 0
  local file = io.open(name)
  if not file then return { counts = counts, total = 0 } end
  for line in file:lines() do
    for word in line:gmatch("%a[%a']*") do
      word = word:lower()
      counts[word] = (counts[word] or 0) + 1
      total = total + 1
    end
  end
  file:close()
  return { counts = counts, total = total }
end

for _, path in ipairs(arg) do
  local file <close> = io.open(path)
  if not file then
    io.stderr:write("cannot read '" .. path .. "'\nusage: word_count.lua [folder or file …]\n")
    os.exit(2)
  end
end

local paths = #arg > 0 and arg or { "/usr/share/common-licenses", "/usr/share/dict", "/usr/share/perl" }
local names = {}
for _, path in ipairs(paths) do
  for _, name in ipairs(files_under(path)) do names[#names + 1] = name end
end

local function executor()
  local servers = os.getenv "GILUA_SERVERS"
  if not servers then return futures.ProcessPoolExecutor() end
  local list = {}
  for address in servers:gmatch "[^,]+" do list[#list + 1] = address end
  return futures.GearmanExecutor { servers = list, token = os.getenv "GILUA_TOKEN" }
end

local counts, total = {}, 0
do
  local pool <close> = executor()
  for result in futures.progress(pool:map(count_words, names, { chunksize = 1 }), #names) do
    for word, n in pairs(result.counts) do counts[word] = (counts[word] or 0) + n end
    total = total + result.total
  end
end

local words = {}
for word in pairs(counts) do words[#words + 1] = word end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
print(string.format("%d words, %d different ones, in %d files", total, #words, #names))
for i = 1, math.min(10, #words) do print(string.format("%9d  %s", counts[words[i]], words[i])) end
