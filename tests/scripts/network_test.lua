-- The scripts that use the network, over 127.0.0.1 only.
local t = require "testing"
local threading = require "gilua.threading"
t.find_system_modules()
local found, socket = pcall(require, "gilua.socket")
if not found then
  print "1..0 # SKIP there is no LuaSocket"
  os.exit(true)
end

local environment = string.format("LUA_PATH='%s' LUA_CPATH='%s'", package.path, package.cpath)

-- Starts a script, whose first line is its process id; both are read from the pipe.
local function start(name, ...)
  local command = string.format("echo $$; %s exec '%s' scripts/%s.lua %s 2>&1 </dev/null", environment, os.getenv("GILUA"),
    name, table.concat({ ... }, " "))
  local p = assert(io.popen(command))
  return p, p:read("l")
end

if not os.getenv("TSAN_OPTIONS") then -- which holds signals back
  t.test("echo_server answers several clients, line by line, and Ctrl-C ends it", function()
    local server, pid = start("echo_server", 0)
    local port = tonumber(server:read("l"):match("^echo server on 127%.0%.0%.1:(%d+)"))
    local clients = {}
    for i = 1, 5 do clients[i] = assert(socket.connect("127.0.0.1", port)) end
    for i = 5, 1, -1 do -- all of them are there before the first speaks
      for k = 1, 3 do
        clients[i]:send(i .. " says " .. k .. "\n")
        t.equal(clients[i]:receive(), i .. " says " .. k)
      end
    end
    for _, c in ipairs(clients) do c:close() end
    assert(os.execute("kill -INT " .. pid))
    t.equal(server:read("a"):match("5 connections, 15 lines\n$") ~= nil, true)
    t.equal(select(3, server:close()), 0)
  end)
end

if not os.getenv("TSAN_OPTIONS") then
  -- Its clients have asked, and wait, or are silent; then `kill` is done to it.
  local function drains(kill, said)
    local server <close>, pid = start("graceful", 0, 2)
    local port = tonumber(server:read("l"):match("^serves on 127%.0%.0%.1:(%d+)"))
    local busy, silent = {}, assert(socket.connect("127.0.0.1", port))
    for i = 1, 4 do
      busy[i] = assert(socket.connect("127.0.0.1", port))
      busy[i]:send("10\n")
      t.equal(busy[i]:receive(), "4 primes up to 10")
      busy[i]:send("20000\n20\n")
    end
    assert(os.execute((kill:gsub("PID", pid))))
    t.equal(server:read("l"), said .. ": answers what was asked")
    for i = 1, 4 do
      t.equal(busy[i]:receive(), "2262 primes up to 20000")
      t.equal(busy[i]:receive(), "8 primes up to 20")
      t.equal(select(2, busy[i]:receive()), "closed")
    end
    t.equal(select(2, silent:receive()), "closed")
    t.equal(server:read("l"), "12 requests answered")
    t.equal(select(3, server:close()), 0)
    t.equal((socket.connect("127.0.0.1", port)), nil)
  end

  t.test("graceful answers what was asked before SIGTERM, and ends", function() drains("kill -TERM PID", "SIGTERM") end)
  t.test("graceful does so on Ctrl-C", function() drains("kill -INT PID", "SIGINT") end)
  t.test("graceful does so when its workers get SIGTERM, too", function()
    drains("for z in $(ps -o pid= --ppid PID); do kill -TERM $(ps -o pid= --ppid $z); done; kill -TERM PID", "SIGTERM")
  end)
end

-- Answers n requests for /NAME with NAME a thousand times; /missing with 404.
local function serve(listener, n)
  for _ = 1, n do
    local c = assert(listener:accept())
    threading.start(function()
      local name = c:receive():match "^GET /(%S*)"
      repeat until c:receive() == ""
      local body = name:rep(1000)
      c:send(string.format("HTTP/1.0 %s\r\nContent-Length: %d\r\n\r\n%s", name == "missing" and "404 Not Found" or "200 OK",
        #body, body))
      c:close()
    end)
  end
end

local function fetch(listener, names, ...)
  local _, port = listener:getsockname()
  local words = { ... }
  for _, name in ipairs(names) do words[#words + 1] = string.format("http://127.0.0.1:%d/%s", port, name) end
  local p = start("fetch", table.unpack(words))
  local text = p:read("a")
  return text, select(3, p:close())
end

t.test("fetch gets all pages and says what each was", function()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local server = threading.start(serve, listener, 6)
  local text, status = fetch(listener, { "a", "bb", "ccc", "dddd", "eeeee", "missing" }, "-j", 3)
  for i, name in ipairs { "a", "bb", "ccc", "dddd", "eeeee" } do
    t.equal(text:find("200  http://127.0.0.1:%d+/" .. name .. "  " .. i * 1000 .. " bytes") ~= nil, true, text)
  end
  t.equal(text:find("404  http://127.0.0.1:%d+/missing") ~= nil, true, text)
  t.equal(text:find("6 pages in .* 0 failed\n$") ~= nil, true, text)
  t.equal(status, 0)
  t.join { server }
  listener:close()
end)

t.test("fetch goes on after pages that cannot be had: no server, a name that nobody knows, a peer that never answers", function()
  local mute = assert(socket.bind("127.0.0.1", 0)) -- the system accepts, nobody reads
  local refused = "http://127.0.0.1:1/"
  local text, status = fetch(mute, { "mute" }, "-t", "0.3", refused, "http://nosuch.invalid/")
  t.equal(text:find("---  " .. refused .. "  connection refused", 1, true) ~= nil, true, text)
  t.equal(text:find("---  http://nosuch.invalid/  ", 1, true) ~= nil, true, text)
  t.equal(text:find("/mute  timeout", 1, true) ~= nil, true, text)
  t.equal(text:find("0 pages in .* 3 failed\n$") ~= nil, true, text)
  t.equal(status, 1)
  mute:close()
end)

t.test("fetch without an address says how it is used", function()
  local text, status = t.run({ "scripts/fetch.lua" }, { before = environment .. " " })
  t.equal(text:find("usage: fetch.lua", 1, true) ~= nil, true, text)
  t.equal(status, 2)
end)

if not os.getenv("TSAN_OPTIONS") then -- whose processes start threads
  t.test("crawler shares the pages of a server among processes", function()
    local crawler = start("crawler", 2, 15)
    t.equal(crawler:read("a"):match("^15 pages fetched, 0 failed, by 2 processes\n") ~= nil, true)
    crawler:close()
  end)
end

t.finish()
