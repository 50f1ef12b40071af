-- What the tests of gilua.signal share.
local t = require "testing"
local gilua = require "gilua"
local signal = require "gilua.signal"

local signals = {}

-- Calls f in another thread, when main is parked for what.
function signals.at(what, f)
  return gilua.threading.start(function()
    t.parked(gilua.threading.main_thread(), what)
    f()
  end)
end

function signals.send(name) return function() signal.raise_signal(name or "USR1") end end

-- The handler of USR1 while body runs.
function signals.with_handler(f, body)
  local before = signal.signal("USR1", f)
  local ok, e = pcall(body)
  signal.signal("USR1", before)
  if not ok then error(e, 0) end
end

return signals
