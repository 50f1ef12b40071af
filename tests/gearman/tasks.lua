-- What workers of tests do.
local multiprocessing = require "gilua.multiprocessing"
local time = require "gilua.time"

local tasks = {}

function tasks.add(a, b) return a + b end

function tasks.echo(...) return ... end

function tasks.fail(what) error("failed with " .. what) end

function tasks.fail_with(value) error(value) end

function tasks.unsendable() return coroutine.create(print) end

function tasks.key() return require("gilua.futures").task_key() end

function tasks.pid() return multiprocessing.current_process().pid end

function tasks.die() require("gilua.signal").kill(tasks.pid(), "SIGKILL") end

function tasks.leave(status) os.exit(status) end

function tasks.note(path, text)
  local f <close> = io.open(path, "a")
  f:write(text .. "\n") -- others append, too: one call of the system
end

-- Says that it is there, waits until the gate is open, returns the rest.
function tasks.pass(gate, ...)
  tasks.note(gate .. ".there", tasks.pid())
  while true do
    local f = io.open(gate)
    if f then
      f:close()
      return ...
    end
    time.sleep(0.001)
  end
end

-- Kills its process unless the gate is open.
function tasks.die_unless(gate, ...)
  tasks.note(gate .. ".there", tasks.pid())
  local f = io.open(gate)
  if not f then tasks.die() end
  f:close()
  return ...
end

tasks.count = 3

return tasks
