-- The prompt on a terminal that can edit lines, by script(1): keys, history, completion, Ctrl-C and Ctrl-D. lua5.4 edits
-- with another library, so that there is nothing to compare with.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local t = require "testing"

-- ThreadSanitizer holds a signal back until the next call that it knows.
if os.getenv("TSAN_OPTIONS") then
  print "ok - nothing is asked of programs under ThreadSanitizer"
  os.exit(true)
end

local dir = io.popen("mktemp -d \"${TEST_TMPDIR:-/tmp}/editing.XXXXXX\""):read("l")

local function contents(name)
  local f <close> = io.open(name)
  return f and f:read("a") or ""
end

if not os.execute("ldconfig -p 2>/dev/null | grep -q libedit.so.2 || ls /usr/lib/*/libedit.so.2 >/dev/null 2>&1") then
  print "1..0 # SKIP there is no libedit"
  os.exit(true)
end

-- Types each key sequence after the text before it has shown, and after a result also the next prompt; returns what showed without control sequences, and status.
local function converse(keys)
  os.remove(dir .. "/out")
  local p = io.popen(string.format("cd %s; unset LUA_INIT LUA_INIT_5_4 LUA_INIT_5_5; export TERM=xterm HOME=%s; " ..
    "exec timeout -k 1 250 script -qfe -E always -c 'exec %s' /dev/null >out 2>&1", dir, dir, os.getenv("GILUA")), "w")
  local at = 1
  for i = 1, #keys, 2 do
    t.eventually(function()
      local text = contents(dir .. "/out")
      local _, last = text:find(keys[i], at, true)
      if last and keys[i]:match("\r$") then _, last = text:find("> ", last, true) end
      at = last and last + 1 or at
      return last
    end, "the prompt to show '" .. keys[i] .. "', not " .. contents(dir .. "/out"):sub(at))
    p:write((keys[i + 1]:gsub("\n", "\r"))) -- as terminals send it
    p:flush()
  end
  local _, _, status = p:close()
  return (contents(dir .. "/out"):gsub("\27%[[%d;]*%a", ""):gsub("\r", "")), status
end

local function shows(name, want, keys)
  t.test("the prompt " .. name, function()
    local text, status = converse(keys)
    t.equal(status, 0)
    for _, w in ipairs(type(want) == "table" and want or { want }) do
      if not text:find(w, 1, true) then error("no '" .. w .. "' in " .. text) end
    end
  end)
end

shows("runs what is typed and ends at Ctrl-D", "6 * 7\n42\n", { "> ", "6 * 7\n", "42\r", "\4" })
shows("takes =x", "\n5\t6\n", { "> ", "=5, 6\n", "5\t6\r", "\4" })
shows("edits: cursor left, delete", "\n123\n", { "> ", "13\27[D2\n", "123\r", "\4" })
shows("asks for more lines", "\n1\n2\n", { "> ", "for i = 1, 2 do\n", ">> ", "print(i)\n", ">> ", "end\n", "2\r", "\4" })
shows("brings the last line back", "\nonce\n", { "> ", "'on' .. 'ce'\n", "once\r", "\27[A\n", "once\r", "\4" })
shows("keeps history for the next time", "42", { "> ", "\27[A\27[A\27[A\27[A\27[A\27[A\27[A\27[A\27[A\27[A\27[A\n", "42\r", "\4" })
shows("completes a name", "\n5.0\n", { "> ", "math.sqr\t(25)\n", "5.0\r", "\4" })
shows("completes a method of a string", "\nX\n", { "> ", "s = 'x'\n", "> ", "s:uppe\t()\n", "X\r", "\4" })
shows("completes a method of a thread", "\nfalse\n", { "> ", "t = require('gilua.threading').Thread{}\n", "> ", "t:is_al\t()\n", "false\r", "\4" })
shows("completes fields, not only methods, of objects", { "\nMainThread\n", "\n7\n", "\nu8\n", "\n1.5\n", "\n4\n" },
  { "> ", "g = require 'gilua'\n", "> ", "m = g.threading.main_thread()\n", "> ", "m.nam\t\n", "MainThread\r",
    "b = g.threading.Barrier(7)\n", "> ", "b.part\t\n", "7\r",
    "u = g.native.buffer('u8', 3)\n", "> ", "u.ty\t\n", "u8\r",
    "s = g.ctypes.struct{ { 'xcoord', 'double' } }{ xcoord = 1.5 }\n", "> ", "s.xc\t\n", "1.5\r",
    "l = g.threading.Local() l.mine = { four = 4 }\n", "> ", "l.mi\t.fo\t\n", "4\r", "\4" })
shows("goes on after one Ctrl-C and another soon after, when each was heard", "\n10\n",
  { "> ", "print('rea' .. 'dy') while true do end\n", "ready", "\3", "in ?", "", "> ",
    "print('aga' .. 'in') require('gilua.time').sleep(1000)\n", "again", "\3", "in ?", "", "> ", "5 + 5\n", "10\r", "\4" })
shows("lists what a word could become", { "insert", "concat" }, { "> ", "table.\t", "concat", "", "> table.", "\3", "> ", "\4" })
shows("drops the line at Ctrl-C, again and again", "\n7\n",
  { "> ", "error('not run'", "not run", "\3", "> ", "abc", "abc", "\3", "> ", "\3", "> ", "3 + 4\n", "7\r", "\4" })
shows("drops all lines of a statement at Ctrl-C", "\n8\n", { "> ", "for i = 1, 2 do\n", ">> ", "\3", "> ", "4 + 4\n", "8\r", "\4" })
shows("takes characters of several bytes", "\n5\n", { "> ", "#'h\xC3\xA9ab'\n", "5\r", "\4" })
shows("lets a script read lines of the terminal", "typed line", { "> ", "io.read()\n", "\n", "typed line\n", "typed line\r\n> ", "\4" })
shows("lets threads run and print while it waits", "from behind",
  { "> ", "require('gilua.threading').start(function() require('gilua.time').sleep(0.05) print('from ' .. 'behind') end)\n",
    "from behind", "\4" })
shows("tells of a Ctrl-C amid the text of a value", { "error calling 'print' (interrupted: interrupted by Ctrl-C", "\n9\n" },
  { "> ", "setmetatable({}, { __tostring = function() print('rea' .. 'dy') while true do end end })\n", "ready", "\3", "print' (",
    "", "> ", "4 + 5\n", "9\r", "\4" })
shows("goes on after an interrupted statement", { "interrupted by Ctrl-C", "\n9\n" },
  { "> ", "print('rea' .. 'dy') while true do end\n", "ready", "\3", "in ?", "", "> ", "4 + 5\n", "9\r", "\4" })

t.test("a home that cannot be written is no trouble", function()
  os.execute("rm -f " .. dir .. "/.gilua_history; mkdir " .. dir .. "/.gilua_history")
  local text, status = converse { "> ", "1 + 2\n", "3\r", "\4" }
  t.equal(text:find("\n3\n", 1, true) ~= nil, true, text)
  t.equal(status, 0)
end)

os.execute("rm -r " .. dir)
t.finish()
