-- The command line of `gilua worker`, what it logs, and how signals end it.
local C = require "cluster"
local t = require "testing"
C.required()

local tasks = require "tasks"

-- What the program says to such a command line, and its status. A worker that starts in spite of it ends, too: nobody is
-- at that address, and timeout sends SIGTERM. ThreadSanitizer waits for a second at the end of each.
local function worker(...)
  return t.run({ "worker", ... }, { before = 'TSAN_OPTIONS="$TSAN_OPTIONS:atexit_sleep_ms=0" timeout 200 ' })
end

local function refused(status, pattern, ...)
  local text, got = worker(...)
  assert(text:find(pattern), text)
  t.equal(got, status, text)
  assert(not text:find "stack traceback", text)
end

local nobody = "127.0.0.1:1"

t.test("an address that is none is refused as the worker starts", function()
  for _, address in ipairs { "host:x", "host:", "host:0", "host:65536", "host: 80", "host:+80", ":4730", "::1", "[::1", "[]:1",
    "[::1]4730", "a host", "/run/gearman.sock", "good:1,bad:x" } do
    refused(2, "%-%-gearman: '.*' is no host:port", "--gearman", address, "--require", "tasks")
  end
  refused(2, "%-%-gearman names the job servers", "--gearman", ",", "--require", "tasks")
  refused(2, "64 job servers at most", "--gearman", ("h,"):rep(65), "--require", "tasks")
end)

t.test("numbers out of their range are refused with the range", function()
  local ranges = { ["--processes"] = "from 1 to 1024", ["--max-payload"] = "from 4096 to 2000000000",
    ["--max-tasks"] = "of 1 or more", ["--memory-limit"] = "of 1 or more" }
  for name, range in pairs(ranges) do
    for _, value in ipairs { "0", "-1", "1.5", "many", "1e400" } do
      refused(2, name:gsub("%-", "%%-") .. " needs a whole number " .. range, "--gearman", nobody, "--require", "tasks", name,
        value)
    end
  end
  refused(2, "from 1 to 1024", "--gearman", nobody, "--require", "tasks", "--processes", "1025")
end)

t.test("options that are none, have no value, or have one too many are named", function()
  refused(2, "unknown option 'extra'", "--gearman", nobody, "extra")
  refused(2, "unknown option '%-%-server'", "--server", nobody)
  refused(2, "'%-%-queue' needs a value", "--gearman", nobody, "--queue")
  refused(2, "'%-%-queue' needs a value", "--queue=", "--gearman", nobody)
  refused(2, "'%-%-quiet' takes no value", "--quiet=1", "--gearman", nobody)
  refused(2, "%-%-queue needs printable", "--gearman", nobody, "--require", "tasks", "--queue", "a b")
  refused(2, "%-%-require names a module", "--gearman", nobody)
end)

t.test("a module or a token that is not there is said without a traceback of the worker's", function()
  refused(1, "%-%-require nosuch: module 'nosuch' not found", "--gearman", nobody, "--require", "nosuch")
  refused(1, "%-%-token%-file: /nonexistent: No such file", "--gearman", nobody, "--token-file", "/nonexistent")
  refused(1, "%-%-token%-file: /: Is a directory", "--gearman", nobody, "--token-file", "/")
  refused(1, "16 to 1024 bytes expected, got 0", "--gearman", nobody, "--token-file", "/dev/null")
end)

t.test("help and version are for standard output", function()
  local text, status = worker("--help")
  assert(text:find "^usage: gilua worker", text)
  t.equal(status, 0)
  text, status = worker("--version")
  assert(text:find "^gilua worker: protocol %d+, Lua 5%.%d+%.%d+\n$", text)
  t.equal(status, 0)
end)

t.test("--gearman may be given again", function()
  local cluster <close> = C.new()
  local first, second = cluster:server(), cluster:server()
  cluster:worker { servers = { first.address }, "--gearman", second.address }
  first:await_workers(1)
  second:await_workers(1)
end)

t.test("each line of the log is whole while processes say the same at once", function()
  local cluster <close> = C.new()
  local worker = cluster:worker { processes = 8, servers = { nobody } }
  t.eventually(function() return select(2, worker:log():gsub("Connection refused", "")) == 8 end, "all to have said it")
  for line in worker:log():gmatch "[^\n]+" do
    assert(line:find "^gilua worker %d+: 127%.0%.0%.1:1: Connection refused$" or line:find "8 processes for queue", line)
  end
end)

t.test("a worker ends at SIGTERM and at SIGINT while no server is there", function()
  for _, name in ipairs { "SIGTERM", "SIGINT" } do
    local cluster <close> = C.new()
    local worker = cluster:worker { servers = { nobody } }
    worker:await_log "Connection refused"
    worker:kill(name)
    worker:await_end()
    assert(worker:log():find "ended\n$", worker:log())
  end
end)

t.test("a second SIGTERM ends a worker amid its task, which another does", function()
  local cluster <close> = C.new()
  local server = cluster:server()
  local first = cluster:worker()
  server:await_workers(1)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local f = pool:submit(tasks.pass, gate.path, "done")
  gate:await()
  first:kill "SIGTERM"
  first:await_log "ends when the tasks"
  first:kill "SIGTERM"
  first:await_end()
  cluster:worker()
  gate:await(2)
  gate:open()
  t.equal(f:result(), "done")
end)

t.test("SIGTERM to each process of a worker, as a service manager sends it, loses no task", function()
  local cluster <close> = C.new()
  local server = cluster:server()
  local worker = cluster:worker { processes = 2 }
  server:await_workers(2)
  local pool <close> = cluster:executor()
  local gate <close> = cluster:gate()
  local list = { pool:submit(tasks.pass, gate.path, 1), pool:submit(tasks.pass, gate.path, 2) }
  gate:await(2)
  require("gilua.signal").kill(-worker.pid, "SIGTERM")
  worker:await_log "ends when the tasks"
  gate:open()
  for i = 1, 2 do t.equal(list[i]:result(), i) end
  worker:await_end()
  t.equal(#gate:there(), 2)
end)

t.finish()
