-- A server of http, ftp and smtp for protocols.lua, one connection after the other: prints its ports. It ends with its standard input.
local socket = require "socket"

local http, ftp, smtp = {}, {}, {}

local bodies = { ["/"] = "hello\n", ["/long"] = ("0123456789"):rep(5000), ["/empty"] = "" }

local function head(c)
  local line, headers = c:receive(), {}
  if not line then return end
  while true do
    local text = c:receive()
    if not text or text == "" then break end
    local name, value = text:match "^(.-):%s*(.*)$"
    if name then headers[name:lower()] = value end
  end
  return line, headers
end

function http.serve(c)
  local line, headers = head(c)
  if not line then return end
  local method, path = line:match "^(%S+) (%S+)"
  local sent = headers["content-length"] and c:receive(tonumber(headers["content-length"])) or ""
  local function answer(status, extra, body)
    c:send("HTTP/1.1 " .. status .. "\r\n" .. extra .. "Content-Length: " .. #body .. "\r\n\r\n" .. (method == "HEAD" and "" or body))
  end
  if path == "/echo" then answer("200 OK", "X-Method: " .. method .. "\r\n", sent)
  elseif path == "/headers" then
    answer("200 OK", "", ("%s|%s|%s|%s"):format(line, headers["user-agent"] or "-", headers.authorization or "-", headers["x-own"] or "-"))
  elseif path == "/moved" then answer("302 Found", "Location: /long\r\n", "")
  elseif path == "/circle" then answer("302 Found", "Location: /circle\r\n", "")
  elseif path == "/chunks" then
    c:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\nX-Trailer: yes\r\n\r\n"
  elseif path == "/closes" then c:send "HTTP/1.0 200 OK\r\n\r\nuntil the end"
  elseif path == "/short" then c:send "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"
  elseif path == "/nothing" then return
  elseif path == "/broken" then c:send "this is no http\r\n\r\n"
  elseif path == "/folded" then answer("200 OK", "X-Folded: one\r\n two\r\nX-Twice: a\r\nX-Twice: b\r\n", "folded")
  elseif bodies[path] then answer("200 OK", "Content-Type: text/plain\r\n", bodies[path])
  else answer("404 Not Found", "", "no such page") end
end

function ftp.serve(c)
  local data
  local function say(text) c:send(text .. "\r\n") end
  say "220 ready"
  for line in function() return (c:receive()) end do
    local word, rest = line:match "^(%S+)%s?(.*)$"
    word = word:upper()
    if word == "USER" then say(rest == "nobody" and "530 not you" or "331 password")
    elseif word == "PASS" then say "230 in"
    elseif word == "TYPE" then say "200 type"
    elseif word == "CWD" then say(rest == "none" and "550 no such folder" or "250 there")
    elseif word == "PASV" then
      data = assert(socket.bind("127.0.0.1", 0))
      local _, port = data:getsockname()
      say(("227 entering (127,0,0,1,%d,%d)"):format(port // 256, port % 256))
    elseif word == "EPSV" then
      data = assert(socket.bind("127.0.0.1", 0))
      say(("229 entering (|||%d|)"):format((select(2, data:getsockname()))))
    elseif word == "RETR" or word == "STOR" or word == "LIST" then
      if rest == "none" then say "550 no such file" data:close() else
        local d = assert(data:accept())
        data:close()
        say "150 opening"
        if word == "STOR" then ftp.stored = d:receive "*a" else d:send(rest == "stored" and ftp.stored or "file " .. rest .. "\n") end
        d:close()
        say "226 done"
      end
    elseif word == "QUIT" then say "221 bye" return
    else say "500 what" end
  end
end

function smtp.serve(c)
  local function say(text) c:send(text .. "\r\n") end
  say "220 ready"
  for line in function() return (c:receive()) end do
    local word = line:match("^(%S+)"):upper()
    if word == "EHLO" then say "250-hello\r\n250 8BITMIME"
    elseif word == "DATA" then
      say "354 go on"
      smtp.got = {}
      for text in function() return (c:receive()) end do
        if text == "." then break end
        smtp.got[#smtp.got + 1] = text
      end
      say("250 got " .. #smtp.got .. " lines, the last is " .. tostring(smtp.got[#smtp.got]))
    elseif word == "RCPT" and line:find "nobody" then say "550 nobody"
    elseif word == "QUIT" then say "221 bye" return
    else say "250 fine" end
  end
end

local servers, kinds = {}, { http, ftp, smtp }
for i = 1, 3 do servers[i] = assert(socket.bind("127.0.0.1", 0)) end
for i = 1, 3 do io.write((select(2, servers[i]:getsockname())), " ") end
io.write "\n"
io.stdout:flush()
local input = { getfd = function() return 0 end }
while true do
  local ready = socket.select { servers[1], servers[2], servers[3], input }
  for i, server in ipairs(servers) do
    if ready[server] then
      local c = server:accept()
      c:settimeout(20)
      kinds[i].serve(c)
      c:close()
    end
  end
  if ready[input] then break end
end
