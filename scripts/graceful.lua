-- A server that ends gracefully: each connection has a thread, each request is a task of a pool of processes. On SIGTERM or
-- Ctrl-C it takes no more connections, answers what was asked by then, and ends; a second signal ends it at once.
-- usage: graceful.lua [port = 7008 [workers = 2]]
local futures = require "gilua.futures"
local signal = require "gilua.signal"
local socket = require "gilua.socket"
local threading = require "gilua.threading"

local port, workers = math.tointeger(tonumber(arg[1] or 7008)), math.tointeger(tonumber(arg[2] or 2))
if not port or port < 0 or port > 65535 or not workers or workers < 1 then
  io.stderr:write("usage: graceful.lua [port = 7008 [workers = 2]]\n")
  os.exit(2)
end

-- The work: how many primes there are up to n.
local function primes(n)
  local found = 0
  for i = 2, n do
    local divisor = 2
    while divisor * divisor <= i and i % divisor ~= 0 do divisor = divisor + 1 end
    if divisor * divisor > i then found = found + 1 end
  end
  return found
end

-- Workers start with the defaults. A service manager sends SIGTERM to all processes of a service: they leave the end to us.
local pool <close> = futures.ProcessPoolExecutor {
  max_workers = workers,
  initializer = function() require "gilua.signal".signal("SIGTERM", "ignore") end,
}

local answered, answered_lock = 0, threading.Lock()

local function answer(line)
  local n = math.tointeger(tonumber(line))
  if not n then return "a whole number, please" end
  local ok, count = pcall(function() return pool:submit(primes, n):result() end)
  return ok and ("%d primes up to %d"):format(count, n) or "failed: " .. tostring(count)
end

local function serve(client)
  for line in function() return (client:receive()) end do
    if not client:send(answer(line) .. "\n") then break end -- the client has gone
    local _ <close> = answered_lock:hold()
    answered = answered + 1
  end
  client:close()
end

local listener = assert(socket.bind("127.0.0.1", port, 1024))
local open = {} -- client -> its thread

local function accept()
  for client in function() return (listener:accept()) end do
    for other, thread in pairs(open) do
      if not thread:is_alive() then open[other] = nil end
    end
    open[client] = threading.start(serve, client)
  end
end

pool:submit(primes, 2):result() -- the workers are there before the first client
local acceptor = threading.start(accept)
local _, bound = listener:getsockname()
print(("serves on 127.0.0.1:%d, try: echo 100000 | nc 127.0.0.1 %d"):format(bound, bound))
io.stdout:flush()

local name = signal.wait { "SIGTERM", "SIGINT" }
print(name .. ": answers what was asked")
io.stdout:flush()
listener:close()
acceptor:join()
for client in pairs(open) do client:shutdown "receive" end -- what came before is still read
for _, thread in pairs(open) do thread:join() end
pool:shutdown()
print(("%d requests answered"):format(answered))
