local futures = require "gilua.futures"
local pages = { one = 100, two = 200, none = false, four = 400 }
local function load(name) return pages[name] or error("no page") end
local executor <close> = futures.ThreadPoolExecutor { max_workers = 5 }
local name_of, list, lines = {}, {}, {}
for name in pairs(pages) do
  local future = executor:submit(load, name, 60)
  name_of[future] = name
  list[#list + 1] = future
end
for future in futures.as_completed(list) do
  local name = name_of[future]
  local ok, size = pcall(future.result, future)
  lines[#lines + 1] = ok and ("%s has %d"):format(name, size) or name .. " raised"
end
table.sort(lines)
for _, line in ipairs(lines) do print(line) end
