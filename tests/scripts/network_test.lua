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

-- To be closed before a server's pipe, which waits for its end: nobody ends it after an error.
local function ended_on_error(pid)
  return setmetatable({}, { __close = function(_, e)
    if e ~= nil then os.execute("kill -KILL " .. pid) end
  end })
end

if not os.getenv("TSAN_OPTIONS") then -- which holds signals back
  t.test("echo_server answers several clients, line by line, and Ctrl-C ends it", function()
    local server <close>, pid = start("echo_server", 0)
    local _ <close> = ended_on_error(pid)
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
    local _ <close> = ended_on_error(pid)
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

if not os.getenv("TSAN_OPTIONS") then
  local http = socket.http

  -- Starts http_server and calls f(port, pid); returns what it says at its end.
  local function with_server(words, f)
    local server <close>, pid = start("http_server", "-p", 0, table.unpack(words))
    local _ <close> = ended_on_error(pid)
    local port = tonumber(server:read("l"):match("server on 127%.0%.0%.1:(%d+)"))
    f(port, pid)
    assert(os.execute("kill -TERM " .. pid))
    t.equal(server:read("l"), "SIGTERM: answers what was asked")
    local last = server:read("l")
    t.equal(select(3, server:close()), 0)
    return last
  end

  t.test("http_server keeps connections, answers what it knows, and says what it does not", function()
    local last = with_server({}, function(port)
      local c = assert(socket.connect("127.0.0.1", port))
      for _, case in ipairs { { "GET / HTTP/1.1\r\n\r\n", "200 OK", "hello, world\n" }, { "GET /x HTTP/1.1\r\nHost: y\r\n\r\n", "404 Not Found", "there is no /x\n" },
        { "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nfour", "200 OK", "four" }, { "what\r\n", "400 Bad Request", "" } } do
        c:send(case[1])
        t.equal(c:receive(), "HTTP/1.1 " .. case[2])
        local length
        for line in function() return (c:receive()) end do
          if line == "" then break end
          length = tonumber(line:match "^Content%-Length: (%d+)") or length
        end
        if length > 0 then t.equal(c:receive(length), case[3]) end
      end
      t.equal(select(2, c:receive()), "closed")
    end)
    t.equal(last, "3 requests, 0 connections refused, 0 slow ones")
  end)

  t.test("http_server takes no length that is not one, and answers nothing behind it", function()
    with_server({}, function(port)
      for _, case in ipairs { { "Content-Length: 0x10", "400 Bad Request" }, { "Content-Length: 1.5", "400 Bad Request" },
        { "Content-Length: -1", "400 Bad Request" }, { "Content-Length: nan", "400 Bad Request" }, { "Content-Length: ", "400 Bad Request" },
        { "Content-Length: 4\r\nContent-Length: 5", "400 Bad Request" }, { "Transfer-Encoding: chunked", "501 Not Implemented" },
        { "Content-Length: 1048577", "413 Content Too Large" }, { "Content-Length: " .. ("9"):rep(400), "413 Content Too Large" } } do
        local c = assert(socket.connect("127.0.0.1", port))
        c:send("POST / HTTP/1.1\r\n" .. case[1] .. "\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        t.equal(c:receive(), "HTTP/1.1 " .. case[2], case[1])
        repeat until assert(c:receive()) == ""
        t.equal(select(2, c:receive()), "closed", case[1])
        c:close()
      end
    end)
  end)

  t.test("http_server gives up who sends a line byte by byte", function()
    local last = with_server({ "-t", 0.3 }, function(port)
      local c = assert(socket.connect("127.0.0.1", port))
      local begun = socket.gettime()
      while c:send "x" and socket.gettime() - begun < 20 do socket.sleep(0.02) end
      t.equal(socket.gettime() - begun < 20, true)
      c:close()
    end)
    t.equal(last, "0 requests, 0 connections refused, 1 slow ones")
  end)

  t.test("http_server refuses beyond its limit, gives slow clients up, and closes idle ones at its end", function()
    local idle
    local last = with_server({ "-n", 2, "-t", 2 }, function(port)
      local slow = { socket.connect("127.0.0.1", port), socket.connect("127.0.0.1", port) }
      slow[1]:send "GET / HT"
      local c = assert(socket.connect("127.0.0.1", port))
      t.equal(c:receive(), "HTTP/1.1 503 Service Unavailable")
      for _, s in ipairs(slow) do t.equal(select(2, s:receive()), "closed") end
      t.eventually(function() return (http.request("http://127.0.0.1:" .. port .. "/")) == "hello, world\n" end, "a place")
      idle = assert(socket.connect("127.0.0.1", port))
      idle:send "GET / HTTP/1.1\r\n\r\n"
      repeat until assert(idle:receive()) == ""
      t.equal(idle:receive(13), "hello, world\n")
    end)
    t.equal(select(2, idle:receive()), "closed")
    t.equal(last:match "^%d+ requests, %d+ connections refused, %d+ slow ones$" ~= nil, true, last)
  end)

  -- At the end of a process OpenSSL leaves behind what threads that are just ending have of it, which LeakSanitizer reports.
  if not os.getenv("ASAN_OPTIONS") and pcall(require, "ssl") and os.execute "openssl version >/dev/null 2>&1" then
    t.test("http_server serves https, and fetch gets it", function()
      local dir = os.tmpname()
      os.remove(dir)
      assert(os.execute(("mkdir %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout %s/k -out %s/c "):format(
        dir, dir, dir) .. "-days 3650 -subj /CN=localhost 2>/dev/null"))
      local last = with_server({ "-c", dir .. "/c", "-k", dir .. "/k" }, function(port)
        local url = ("https://127.0.0.1:%d/"):format(port)
        local p = start("fetch", "-j", 2, url, url, url .. "none")
        local text = p:read "a"
        t.equal(select(2, text:gsub("200  https://127.0.0.1:%d+/  13 bytes", "")), 2, text)
        t.equal(text:find("404  https://127.0.0.1:%d+/none") ~= nil, true, text)
        t.equal(text:find("3 pages in .* 0 failed\n$") ~= nil, true, text)
        t.equal(select(3, p:close()), 0)
      end)
      t.equal(last, "3 requests, 0 connections refused, 0 slow ones")
      os.execute("rm -r " .. dir)
    end)
  end
end

-- Answers n requests for /NAME with NAME a thousand times; /missing with 404.
local function serve(listener, n)
  for _ = 1, n do
    local c = assert(listener:accept())
    threading.start(function()
      local name = c:receive():match "^GET /(%S*)"
      repeat until assert(c:receive()) == ""
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
