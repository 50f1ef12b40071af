-- A crawler whose processes share the work: pages to fetch lie in one queue, what was found comes back by another.
-- usage: crawler.lua [processes [pages]]     crawls a server of its own on 127.0.0.1
local mp = require "gilua.multiprocessing"
local threading = require "gilua.threading"

local processes, pages = tonumber(arg[1] or 4), tonumber(arg[2] or 200)
if math.type(processes) ~= "integer" or processes < 1 or math.type(pages) ~= "integer" or pages < 1 then
  io.stderr:write "usage: crawler.lua [processes [pages]]\n"
  os.exit(2)
end

-- Page n links to pages 2n and 2n + 1, and to the first.
local function page(n)
  local links = { '<a href="/1">first</a>' }
  for k = 2 * n, 2 * n + 1 do
    if k <= pages then links[#links + 1] = ('<a href="/%d">%d</a>'):format(k, k) end
  end
  return "<html>" .. table.concat(links) .. "</html>"
end

local function serve(listener)
  while true do
    local client = listener:accept()
    if not client then return end
    threading.start(function()
      local line = client:receive() or ""
      repeat local header = client:receive() until not header or header == ""
      local body = page(tonumber(line:match "^GET /(%d+)") or 1)
      client:send(("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
      client:close()
    end)
  end
end

local function crawl(port, todo, found)
  local http = require "gilua.socket".http
  while true do
    local path = todo:get()
    local body = http.request(("http://127.0.0.1:%d%s"):format(port, path))
    local links = {}
    for link in (body or ""):gmatch 'href="([^"]+)"' do links[#links + 1] = link end
    found:put { by = mp.current_process().name, path = path, ok = body ~= nil, links = links }
  end
end

local listener = assert(require "gilua.socket".bind("127.0.0.1", 0, 64))
local _, port = listener:getsockname()
threading.Thread { target = serve, args = { listener }, daemon = true }:start()

local todo, found = mp.Queue(), mp.Queue()
for i = 1, processes do
  mp.Process { name = "crawler " .. i, target = crawl, args = { math.tointeger(tonumber(port)), todo, found }, daemon = true }:start()
end

local seen, open, fetched, failed, share = { ["/1"] = true }, 1, 0, 0, {}
todo:put "/1"
while open > 0 do
  local result = found:get()
  open = open - 1
  if result.ok then fetched = fetched + 1 else failed = failed + 1 end
  share[result.by] = (share[result.by] or 0) + 1
  for _, link in ipairs(result.links) do
    if not seen[link] then
      seen[link] = true
      open = open + 1
      todo:put(link)
    end
  end
end
print(("%d pages fetched, %d failed, by %d processes"):format(fetched, failed, processes))
for i = 1, processes do print(("  crawler %d: %d"):format(i, share["crawler " .. i] or 0)) end
