local threading = require "gilua.threading"
local cond = threading.Condition()
local waiting, log = threading.Event(), {}
local function note(what) log[#log + 1] = "'" .. what .. "'" end
local t = threading.start(function()
  do
    local _ <close> = cond:hold()
    do
      local _ <close> = cond:hold()
      waiting:set()
      cond:wait()
      note "woken"
    end
    note "inner left"
  end
  note "outer left"
end)
waiting:wait()
cond:with(function()
  cond:notify()
  note "notified"
end)
t:join()
print("[" .. table.concat(log, ", ") .. "]")
