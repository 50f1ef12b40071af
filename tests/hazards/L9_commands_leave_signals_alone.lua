-- L9: system() ignores Ctrl-C for the whole process while a command runs. Here SIGINT reaches main while another thread is
-- in os.execute, and children start with the signals that a child should have.
local t = require "testing"
local threading = require "gilua.threading"

if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

t.test("main is interrupted while another thread waits in os.execute", function()
  local text, status = t.run({ "-e", [[
    local threading, time, gilua = require "gilua.threading", require "gilua.time", require "gilua"
    local main = threading.main_thread()
    local other = threading.Thread{ daemon = true, target = function()
      while main.waits_for ~= "sleep" do time.sleep(0.001) end
      os.execute("kill -INT " .. main.native_id .. "; exec sleep 5 >/dev/null 2>&1")
    end }:start()
    local ok, e = pcall(time.sleep, 20)
    print(ok, gilua.is_error(e, "interrupted"))
  ]] }, { before = "timeout -s KILL 250 " })
  t.equal(text, "false\ttrue\n")
  t.equal(status, 0)
end)

local function masks(f)
  local text = f()
  return text:match("SigBlk:%s*(%x+)"), text:match("SigIgn:%s*(%x+)")
end

for name, run in pairs {
  ["io.popen"] = function()
    local p <close> = io.popen("cat /proc/self/status")
    return p:read("a")
  end,
  ["os.execute"] = function()
    local name = os.tmpname()
    os.execute("cat /proc/self/status >" .. name)
    local f <close> = io.open(name)
    os.remove(name)
    return f:read("a")
  end,
} do
  t.test("a child of a thread blocks and ignores nothing that one of main does not: " .. name, function()
    local blocked, ignored = masks(run)
    local there = threading.start(function() return masks(run) end)
    local blocked_there, ignored_there = there:result()
    t.equal(tonumber(blocked_there, 16), 0)
    t.equal(tonumber(blocked, 16), 0)
    t.equal(ignored_there, ignored)
  end)
end

t.finish()
