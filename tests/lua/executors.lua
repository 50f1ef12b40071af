-- Every kind of executor, for tests that hold for each of them. A kind is {name, new, shared, source}: new(options) makes one;
-- shared says that tasks run over the heap of the test; source is an expression for new in a program of its own.
-- GearmanExecutor comes in by tests/gearman.
--
-- Tasks of such tests reach nothing but their arguments and modules; what holds them back is a gate, a file.
local futures = require "gilua.futures"

local executors = {
  { name = "ThreadPoolExecutor", new = futures.ThreadPoolExecutor, shared = true },
  { name = "ProcessPoolExecutor", new = futures.ProcessPoolExecutor, shared = false },
}

for _, kind in ipairs(executors) do kind.source = "require 'gilua.futures'." .. kind.name end

local paths = setmetatable({}, { __gc = function(list)
  for _, path in ipairs(list) do os.remove(path) end
end })

-- Calls f(kind) for each.
function executors.each(f)
  for _, kind in ipairs(executors) do f(kind) end
end

-- A gate: tasks pool:submit(gate.pass, gate.path, ...) return ... once gate:open() was called.
function executors.gate()
  local gate = { path = os.tmpname() }
  os.remove(gate.path)
  function gate.pass(path, ...)
    local time = require "gilua.time"
    while true do
      local file = io.open(path)
      if file then
        file:close()
        return ...
      end
      time.sleep(0.0005)
    end
  end
  function gate:open() io.open(self.path, "w"):close() end
  paths[#paths + 1] = gate.path
  return setmetatable(gate, { __close = gate.open }) -- the file stays until the end: a task may not have looked yet
end

return executors
