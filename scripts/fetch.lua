-- Several pages fetched at once: threads take addresses from a queue, and each waits without the lock.
-- https needs LuaSec.
-- usage: fetch.lua [-j THREADS = 4] [-t SECONDS = 10] URL...
local http = require("gilua.socket").http
local queue = require "gilua.queue"
local threading = require "gilua.threading"
local time = require "gilua.time"

local threads, urls, i = 4, {}, 1
while arg[i] do
  if arg[i] == "-j" then threads, i = math.tointeger(tonumber(arg[i + 1])), i + 1
  elseif arg[i] == "-t" then http.TIMEOUT, i = tonumber(arg[i + 1]), i + 1
  else urls[#urls + 1] = arg[i] end
  i = i + 1
end
if #urls == 0 or not threads or threads < 1 then
  io.stderr:write("usage: fetch.lua [-j THREADS = 4] [-t SECONDS = 10] URL...\n")
  os.exit(2)
end
http.TIMEOUT = http.TIMEOUT or 10

local work, failures = queue.Queue(), queue.Queue()
for _, url in ipairs(urls) do work:put(url) end
work:shutdown() -- no more comes: the threads end when it is empty

local function fetch()
  for url in work:items() do
    local begun = time.monotonic()
    local body, status = http.request(url)
    if body then print(string.format("%s  %s  %d bytes  %.3f s", status, url, #body, time.monotonic() - begun))
    else
      print(string.format("---  %s  %s", url, status))
      failures:put(url)
    end
  end
end

local begun, fetchers = time.monotonic(), {}
for n = 1, math.min(threads, #urls) do fetchers[n] = threading.start(fetch) end
for _, fetcher in ipairs(fetchers) do
  fetcher:join()
  fetcher:result()
end
local failed = failures:qsize()
print(string.format("%d pages in %.3f s, %d failed", #urls - failed, time.monotonic() - begun, failed))
os.exit(failed == 0)
