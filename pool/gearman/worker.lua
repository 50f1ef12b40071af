-- gilua worker: processes that do the tasks of GearmanExecutors. Compiled into the program (interp/worker.c); "..." is
-- the core (lib_worker.c) and the command line.
--
-- The program that was started is the supervisor: it requires the modules, forks a pool of processes and sees to them.
-- Each process has its own connections to the servers and does one task at a time, so a task crosses no process on its
-- way in or out.
--
-- The board is memory that all share, 64-bit words: what each process does, and which tasks killed one. When a process
-- dies its server gives the task to another one at once; who gets a task looks at the board first. So a task that kills
-- processes ends with `worker_died` after as many as its `retries` allow, on each host, whatever --job-retries the
-- servers have.
local core = ...
local arguments = { select(2, ...) }
local futures = require "gilua.futures"
local is_error = require "gilua".is_error
local multiprocessing = require "gilua.multiprocessing"
local signal = require "gilua.signal"
local time = require "gilua.time"

local usage = [[
usage: gilua worker --gearman HOST:PORT[,HOST:PORT…] [options]
  Does the tasks of GearmanExecutors until it gets SIGTERM; then it ends the tasks that run, and leaves.
  --gearman LIST      the job servers, all of them, 64 at most; may be given again. It connects again to one that was lost
  --queue NAME        the executor's queue (gilua)
  --processes N       tasks at a time, each in a process of its own, 1024 at most (the processors)
  --require MODULE    may be given again: tasks are functions of these modules, "module:function"
  --token-file FILE   the secret that the executors have, too: the content of the file without its last newline; or
                      GILUA_TOKEN in the environment. Tasks may bring their functions along then; what is not signed
                      with it is refused
  --max-tasks N       a process is replaced after so many tasks
  --memory-limit N    bytes that a process may add to what it starts with
  --max-payload N     bytes of a task and of a result (134217728)
  --quiet             logs refusals and deaths only
  --version           what it speaks
  --help              this text
It logs to stderr. Without a token whoever reaches the servers can call any function of the modules: see "Trust" in the
manual, docs/gearman.md.
]]

local REPLY, IDLE_ECHO, RETRY_FIRST, RETRY_LAST, DIAL = 5, 10, 0.05, 2, 1 -- seconds
local LOOK = 0.1 -- how often a waiting process looks at the board, the supervisor at the clock
local MOST_PROCESSES = 1024 -- of a ProcessPoolExecutor
local SIBLING = 2 -- how long a process waits for the one that had its task before, if that lives

-- The board: words of the supervisor, then SLOT words a process, then DEATH words a task that killed one.
local STOP, DEATHS, SUPERVISOR = 1, 2, 8
local KEY, BEGAN, TIMEOUT, PID, SLOT = 1, 2, 3, 4, 8
local D_KEY, D_COUNT, D_PID, D_STATUS, D_OVERDUE, DEATH, MOST_DEATHS = 1, 2, 3, 4, 5, 8, 128

local options, board, doer = {}, nil, nil
local modules = {}
local worker = {}

-- One write a line: other processes log into the same file.
local function log(...) io.stderr:write(("gilua worker %d: %s\n"):format(worker.pid or 0, string.format(...))) end
local function chat(...) if not options.quiet then log(...) end end

local function slot_at(slot) return SUPERVISOR + (slot - 1) * SLOT end
local function death_at(n) return SUPERVISOR + options.processes * SLOT + ((n - 1) % MOST_DEATHS) * DEATH end

-- What a process does -------------------------------------------------------------------------------------------------

local function stopping() return board[STOP] ~= 0 end

local Server = {}
Server.__index = Server

function Server:connect()
  local link, why = core.connect(self.address, DIAL, options.max_payload)
  if not link then return self:retry_later(why) end
  self.link, self.maybe, self.heard, self.asked = link, true, time.monotonic(), nil
  link:send(core.SET_CLIENT_ID, options.where)
  link:send(core.CAN_DO, options.queue)
end

-- Each reason is said once until the server answers: behind a tunnel one that is down accepts, and hangs up.
function Server:retry_later(why)
  if not self.said[why] then chat("%s: %s", self.address, why) end
  self.said[why] = true
  self.backoff = math.min((self.backoff or RETRY_FIRST / 2) * 2, RETRY_LAST)
  self.retry_at = time.monotonic() + self.backoff * (0.5 + math.random() / 2) -- not all at once
end

function Server:lose(why)
  if self.link then self.link:close() end
  self.link = nil
  self:retry_later(why)
end

-- Writes what the server takes now.
function Server:flush()
  if self.link and not self.link:flush() then self:lose "the server hung up" end
end

-- The next packet; nil: none came in time, or the connection is lost.
function Server:receive(timeout)
  local what, job, why = self.link:receive(timeout)
  if what then
    self.heard, self.asked = time.monotonic(), nil
    return what, job
  end
  if job == "closed" then self:lose(why) end
end

-- It is well.
function Server:has_answered()
  self.backoff = nil
  if not next(self.said) then return end
  chat("%s: connected again", self.address)
  self.said = {}
end

-- Asks for a job. Nothing else is under way, so the answer is the next packet but for what wakes sleepers.
function Server:grab()
  self.link:send(core.GRAB_JOB)
  local deadline = time.monotonic() + REPLY
  repeat
    local what, job = self:receive(math.max(0, deadline - time.monotonic()))
    if what == "job" then
      self:has_answered()
      return job
    elseif what == "no_job" then
      self:has_answered()
      self.maybe = false
      self.link:send(core.PRE_SLEEP)
      return self:flush()
    elseif what == "error" then
      return self:lose("it answers with the error '" .. job .. "'")
    end
  until not what or time.monotonic() > deadline
  if self.link then self:lose "it does not answer" end
end

-- A word in the board about a task that killed processes, or outran its time; nil: there is none.
local function death_of(key)
  for n = math.max(1, board[DEATHS] - MOST_DEATHS + 1), board[DEATHS] do
    if board[death_at(n) + D_KEY] == key then return death_at(n) end
  end
end

-- The other process that is noted as doing the task: it has just died, and the supervisor does not know yet; or its
-- connection was lost, and it goes on.
local function elsewhere(slot, key)
  for other = 1, options.processes do
    if other ~= slot and board[slot_at(other) + KEY] == key then return board[slot_at(other) + PID] end
  end
end

local function is_dead(pid)
  local file <close> = io.open("/proc/" .. pid .. "/stat")
  return not file or (file:read "a" or ""):find "%) [ZX]" ~= nil
end

local function refuse_deadly(server, job, key, retries)
  local at = death_of(key)
  if not at then return end
  if board[at + D_OVERDUE] ~= 0 then
    job:overdue(doer, server.link, board[at + D_PID])
  elseif board[at + D_COUNT] > retries then
    job:died(doer, server.link, board[at + D_PID], board[at + D_STATUS])
  else
    return
  end
  return true
end

-- The word of a death comes for sure, as late as the supervisor runs; one that goes on may do so for long.
local function await_fate(slot, key)
  local deadline = time.monotonic() + SIBLING
  repeat
    time.sleep(0.002)
    local pid = elsewhere(slot, key)
  until not pid or (time.monotonic() > deadline and not is_dead(pid))
end

-- One task, from the job to the answer that waits to be written.
local function do_job(slot, server, job)
  local why, retries, limit, key = job:look(doer)
  if why then
    log("refused a task from %s: %s", server.address, why)
    job:refuse(doer, server.link, why)
    return
  end
  if elsewhere(slot, key) then await_fate(slot, key) end
  if board[DEATHS] > 0 and refuse_deadly(server, job, key, retries) then return end
  if limit > 0 then -- the client counts from here, too
    job:begun(server.link)
    server:flush()
    if not server.link then return end -- another one gets it
  end
  local at = slot_at(slot)
  board[at + BEGAN] = time.monotonic_ns()
  board[at + TIMEOUT] = limit
  board[at + KEY] = key
  why = job:run(doer, server.link, modules)
  board[at + KEY] = 0
  if why then log("refused a task from %s: %s", server.address, why) end
end

local function connect_due(servers, idle)
  local now = time.monotonic()
  for _, server in ipairs(servers) do
    local due = not server.link and (server.retry_at or 0) <= now
    -- an address that does not answer costs time: while there is work elsewhere it is tried rarely
    if due and (idle or now > (server.retry_at or 0) + 10) then server:connect() end
  end
end

-- Jobs may have come, or a server is to be asked whether it is there.
local function listen(servers)
  local links = {}
  for _, server in ipairs(servers) do links[#links + 1] = server.link end
  if #links == 0 then
    time.sleep(LOOK / 2)
    return
  end
  core.wait(links, LOOK)
  local now = time.monotonic()
  for _, server in ipairs(servers) do
    if server.link and server:receive(0) == "noop" then server.maybe = true end
    if server.link and server.asked and now > server.asked + IDLE_ECHO then
      server:lose "it is silent"
    elseif server.link and not server.asked and now > server.heard + IDLE_ECHO then
      server.asked = now
      server.link:send(core.ECHO, "gilua")
      server:flush()
    end
  end
end

-- The servers that may have work, beginning behind the one that had some last.
local function grab_any(servers, turn)
  for k = 1, #servers do
    local n = (turn + k - 1) % #servers + 1
    local server = servers[n]
    if server.link and server.maybe and not stopping() then
      local job = server:grab()
      if job then return job, server, n end
    end
  end
end

-- Writes what is left, as long as the server takes it.
local function finish(servers)
  local deadline = time.monotonic() + 30
  for _, server in ipairs(servers) do
    while server.link and server.link:pending() > 0 and time.monotonic() < deadline do server:receive(0.05) end
    if server.link then server.link:close() end
  end
end

-- What one process of the pool does, until it is to stop or has done enough.
function worker.serve(slot)
  core.outlive_sigterm() -- a service manager sends it to every process: the supervisor decides
  local servers, turn, done = {}, 0, 0
  for k, address in ipairs(options.servers) do servers[k] = setmetatable({ address = address, said = {} }, Server) end
  worker.pid = multiprocessing.current_process().pid
  board[slot_at(slot) + PID] = worker.pid
  board[slot_at(slot) + KEY] = 0
  local idle = true
  while not stopping() and not (options.max_tasks and done >= options.max_tasks) do
    connect_due(servers, idle)
    local job, server, n = grab_any(servers, turn)
    idle = not job
    if job then
      turn, done = n, done + 1
      do_job(slot, server, job)
      if #servers > 1 or stopping() then server:flush() end -- else the next question goes along
    else
      listen(servers)
    end
  end
  finish(servers)
  return "done"
end

-- The supervisor ------------------------------------------------------------------------------------------------------

local function quit(status, ...)
  io[status == 0 and "stdout" or "stderr"]:write(...)
  os.exit(status, status == 0)
end

local function bad(text, ...) quit(2, "gilua worker: ", string.format(text, ...), "\n", usage) end

local function integer(name, text, least, most)
  local n = math.tointeger(tonumber(text))
  if not n or n < least or n > (most or n) then
    bad("%s needs a whole number %s", name, most and ("from %d to %d"):format(least, most) or ("of %d or more"):format(least))
  end
  return n
end

local function read_token(path)
  local file, why = io.open(path, "rb")
  local text
  if file then
    text, why = file:read "a"
    file:close()
  end
  if not text then quit(1, "gilua worker: --token-file: ", path, ": ", why:gsub("^.*: ", ""), "\n") end
  return (text:gsub("\r?\n$", ""))
end

local function version()
  local r = core.release
  return ("gilua worker: protocol %d, Lua %d.%d.%d"):format(core.protocol, r // 10000, r // 100 % 100, r % 100)
end

-- The job servers of a list, behind those that are known.
local function add_servers(text)
  options.servers = options.servers or {}
  for address in text:gmatch "[^,]+" do
    if not core.is_address(address) then bad("--gearman: '%s' is no host:port", address) end
    table.insert(options.servers, address)
  end
  if #options.servers > core.most_servers then bad("--gearman takes %d job servers at most", core.most_servers) end
end

local flags = {
  ["--help"] = function() quit(0, usage) end,
  ["--version"] = function() quit(0, version(), "\n") end,
  ["--quiet"] = function() options.quiet = true end,
}

local takes = {
  ["--gearman"] = add_servers,
  ["--queue"] = function(v) options.queue = v end,
  ["--processes"] = function(v) options.processes = integer("--processes", v, 1, MOST_PROCESSES) end,
  ["--require"] = function(v) table.insert(options.require, v) end,
  ["--token-file"] = function(v) options.token = read_token(v) end,
  ["--max-tasks"] = function(v) options.max_tasks = integer("--max-tasks", v, 1) end,
  ["--memory-limit"] = function(v) options.memory_limit = integer("--memory-limit", v, 1) end,
  ["--max-payload"] = function(v) options.max_payload = integer("--max-payload", v, 4096, core.most_payload) end,
}

-- Takes the option at i of the command line; returns where the next one is.
local function take_option(i)
  local name, value = arguments[i]:match "^(%-%-[%a-]+)=(.*)$"
  name = name or arguments[i]
  if flags[name] then
    if value then bad("'%s' takes no value", name) end
    flags[name]()
    return i + 1
  end
  if not takes[name] then bad("unknown option '%s'", name) end
  local after = value and i + 1 or i + 2
  value = value or arguments[i + 1]
  if not value or value == "" then bad("'%s' needs a value", name) end
  takes[name](value)
  return after
end

local function parse()
  options.queue, options.max_payload, options.require = "gilua", 128 << 20, {}
  options.token = os.getenv "GILUA_TOKEN"
  local i = 1
  while arguments[i] do i = take_option(i) end
  if not options.servers or #options.servers == 0 then bad "--gearman names the job servers" end
  if options.queue:find "[^!-~]" or #options.queue > 127 then
    bad "--queue needs printable characters without spaces, at most 127"
  end
  if #options.require == 0 and not options.token then bad "--require names a module, or there is a token" end
  options.processes = options.processes or math.min(multiprocessing.cpu_count(), MOST_PROCESSES)
end

local function require_all()
  for _, name in ipairs(options.require) do
    local ok, module = pcall(require, name)
    if not ok then quit(1, "gilua worker: --require ", name, ": ", tostring(module), "\n") end
    if type(module) ~= "table" then quit(1, "gilua worker: --require ", name, ": the module is no table\n") end
    modules[name] = module
  end
end

local function make_doer()
  local ok, why = pcall(core.doer, options.where, options.max_payload, options.token)
  if not ok then quit(1, "gilua worker: ", tostring(why), "\n") end
  doer, options.token = why, nil
end

local function note_death(key, pid, status, overdue)
  local at = death_of(key)
  if not at then
    at = death_at(board[DEATHS] + 1) -- the oldest is forgotten
    board[at + D_COUNT] = 0
    board[at + D_KEY] = key
    board[DEATHS] = board[DEATHS] + 1
  end
  board[at + D_PID], board[at + D_STATUS], board[at + D_OVERDUE] = pid, status, overdue and 1 or 0
  board[at + D_COUNT] = board[at + D_COUNT] + 1
end

local function forget_death(key)
  local at = death_of(key)
  if at then board[at + D_KEY] = 0 end
end

-- A process has ended otherwise than by the end of its task `serve`.
local function bury(slot, err)
  local at = slot_at(slot)
  local key, pid = board[at + KEY], board[at + PID]
  if is_error(err, "worker_died") then
    local status = err.signal or ((err.exitcode or 1) << 8)
    local how = err.signal and "was ended by signal " .. err.signal or "left with exit status " .. (err.exitcode or "?")
    log("process %d %s%s", err.pid, how, key ~= 0 and " during a task" or "")
    if key ~= 0 then note_death(key, err.pid, status) end
  else
    log("process %d failed: %s", pid, tostring(err))
    if key ~= 0 then note_death(key, pid, 1 << 8) end
  end
  board[at + KEY] = 0
end

-- Ends the process of a task that outran its time. The board says so before it is dead, since the server gives the task
-- to another at once; if the task ended meanwhile, another was hit, which is done again.
local function end_overdue(slot, future)
  local at = slot_at(slot)
  local key, pid = board[at + KEY], board[at + PID]
  local limit = board[at + TIMEOUT]
  if key == 0 or limit == 0 or time.monotonic_ns() - board[at + BEGAN] < limit then return end
  if board[at + KEY] ~= key then return end -- what was read is of two tasks
  note_death(key, pid, 0, true)
  log("process %d: a task outran its %g seconds", pid, board[at + TIMEOUT] / 1e9)
  future:cancel()
  if board[at + KEY] ~= key then forget_death(key) end
  board[at + KEY] = 0
end

local function any_future(running)
  local list = {}
  for _, future in pairs(running) do list[#list + 1] = future end
  return list
end

-- Sees to the processes until all have ended and it is to stop.
local function supervise(pool)
  local running, failures = {}, 0
  for slot = 1, options.processes do running[slot] = pool:submit(worker.serve, slot) end
  while next(running) do
    futures.wait(any_future(running), { timeout = LOOK, return_when = "FIRST_COMPLETED" })
    for slot, future in pairs(running) do
      end_overdue(slot, future)
      if future:done() then
        local idle = board[slot_at(slot) + KEY] == 0
        local err = not future:cancelled() and future:exception()
        if err then bury(slot, err) end
        failures = err and idle and failures + 1 or 0
        -- one that dies without work may do so again and again
        if failures > 0 then time.sleep(math.min(0.01 * 2 ^ failures, 1)) end
        running[slot] = not stopping() and pool:submit(worker.serve, slot) or nil
      end
    end
  end
end

return worker, function()
  parse()
  worker.pid = multiprocessing.current_process().pid
  options.where = core.hostname():sub(1, 100) .. "/" .. worker.pid
  require_all()
  make_doer()
  board = multiprocessing.shared_array("i64", SUPERVISOR + options.processes * SLOT + MOST_DEATHS * DEATH + DEATH)
  local stops = 0
  local pool = futures.ProcessPoolExecutor { max_workers = options.processes, memory_limit = options.memory_limit }
  local function stop(name)
    stops = stops + 1
    board[STOP] = 1
    if stops == 1 then
      chat("%s: ends when the tasks that run have ended", name)
    else
      log("%s again: ends now", name)
      os.exit(1)
    end
  end
  signal.signal("SIGTERM", stop)
  signal.signal("SIGINT", stop)
  chat("%s; %d processes for queue '%s' of %s", version():match ": (.*)", options.processes, options.queue,
    table.concat(options.servers, ", "))
  local ok, err = pcall(supervise, pool)
  if not ok then
    board[STOP] = 1
    pool:terminate()
    error(err, 0)
  end
  pool:shutdown()
  chat "ended"
end
