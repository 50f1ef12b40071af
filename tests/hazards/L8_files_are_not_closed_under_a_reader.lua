-- L8: close of a file in which another thread waits would wait for it inside the C library, or free what it uses. It is
-- refused; and the writer that would end the read gets the lock meanwhile.
local t = require "testing"
local threading = require "gilua.threading"

t.test("close beside a reader answers at once, and the reader gets what a Lua thread writes", function()
  local name = os.tmpname()
  os.remove(name)
  assert(os.execute("mkfifo " .. name))
  local opening = threading.start(io.open, name, "r")
  local w = io.open(name, "w")
  local r = opening:result()
  os.remove(name)
  local reader = threading.start(function() return r:read("l") end)
  t.parked(reader, "fd")
  for _, close in ipairs { r.close, io.close } do
    local ok, reason = close(r)
    t.equal(ok, nil)
    t.equal(reason, "file is in use")
  end
  w:write("here\n")
  w:close()
  t.equal(reader:result(), "here")
  t.equal(r:close(), true)
end)

t.test("closes and reads of one file at random", function()
  t.at_intervals(function()
    for _ = 1, 20 do
      local p = io.popen("echo 1; echo 2; echo 3")
      local readers = t.start(3, function()
        local ok, line = pcall(p.read, p)
        t.equal(ok or tostring(line):find("closed file") ~= nil, true, tostring(line))
      end)
      while io.type(p) == "file" do p:close() end
      t.join(readers)
    end
  end, { 1e-6, 2e-4 })
end)

t.finish()
