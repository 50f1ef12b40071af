-- The other end of tls.lua: one connection after the other; the first line tells what to answer.
local socket, ssl = require "socket", require "ssl"
local listener = assert(socket.bind("127.0.0.1", 0))
print((select(2, listener:getsockname())))
io.stdout:flush()
local answers = { lines = "one\r\ntwo\nthree", long = ("x"):rep(100000) .. "\n", close = "", slow = "slow" }
repeat
  local c = listener:accept()
  c:settimeout(20)
  local s = ssl.wrap(c, { mode = "server", protocol = "any", key = "key.pem", certificate = "cert.pem", options = "all" })
  local line = s and s:dohandshake() and s:receive "*l"
  if line and line:find "^GET" then
    repeat local more = s:receive "*l" until not more or more == ""
    s:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
  elseif line then s:send(answers[line] or line .. "\nagain\n") end
  if s then s:close() else c:close() end
until line == "end"
