-- Each operation of an object with each other operation of it done by a finalizer, at each place where the first one lets the
-- collector run; what finalizer_pair_ tests share. Their arguments: [KIND [OPERATION [BY A FINALIZER]]], some of them.
local t = require "testing"

local pairs_of = {}

local PLACES = t.hostile and 4 or 12 -- how many of an operation are tried

-- What our own mistakes look like, whatever else may be raised.
local function is_ours(err)
  local text = tostring(err)
  for _, operation in ipairs { "call", "index", "compare", "perform", "concatenate", "get length" } do
    if text:find("attempt to " .. operation, 1, true) then return true end
  end
  return text:find "bad argument" and not text:find "was freed"
end

local serial = 0
function pairs_of.new_item()
  serial = serial + 1
  return serial
end

-- A kind: make() -> the state of one trial; operations: name -> f(state), with what it did noted there; check(state), at the end.
local function attempt(s, f)
  local fine, err = pcall(f, s)
  if not fine and is_ours(err) then s.failed = err end
end

local function try(kind, op, act, n)
  local s = kind.make()
  local reached = t.amid(function() attempt(s, kind[op]) end, function() attempt(s, kind[act]) end, n)
  if s.failed then error(s.failed, 0) end
  kind.check(s)
  return reached
end

function pairs_of.test(name, kind)
  if arg[1] and name ~= arg[1] then return end
  local ops = {}
  for op in pairs(kind) do
    if type(kind[op]) == "function" and op ~= "make" and op ~= "check" then ops[#ops + 1] = op end
  end
  table.sort(ops)
  t.test(name .. " keeps what finalizers do amid its own operations", function()
    for _, op in ipairs(ops) do
      for _, act in ipairs(ops) do
        if (not arg[2] or arg[2] == op) and (not arg[3] or arg[3] == act) then
          local n = 1
          local fine, err = xpcall(function()
            while n <= (kind.places or PLACES) and try(kind, op, act, n) do n = n + 1 end
          end, debug.traceback)
          if not fine then error(("%s amid %s, place %d: %s"):format(act, op, n, err), 0) end
        end
      end
    end
  end)
end

return pairs_of
