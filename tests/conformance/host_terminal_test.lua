-- The prompt on a terminal, by script(1), which makes a pseudo-terminal. It does not echo, or the echoes of two
-- programs that take lines at other moments would differ; and each line is sent when the prompt for it shows.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local t = require "testing"
local stock = require "stock"

local function contents(name)
  local f <close> = assert(io.open(name))
  return f:read("a")
end

-- Runs the program on a terminal and sends each line after the text given before it has come; returns all it wrote and
-- its status.
local function converse(program, case)
  local out = stock.directory .. "/out"
  local command = string.format("%s timeout -k 1 200 script -qfe -E never -c %s /dev/null >%s",
    stock.setup(program, case),
    stock.quote("exec lua " .. (case.args or "")), stock.quote(out))
  assert(io.open(out, "w")):close() -- not that of the program before
  local p = assert(io.popen(command, "w"))
  local at = 1
  for i = 1, #case, 2 do
    t.eventually(function()
      local _, last = contents(out):find(case[i], at, true)
      at = last and last + 1 or at
      return last
    end, program .. " to show '" .. case[i] .. "'")
    p:write(case[i + 1])
    p:flush()
  end
  local _, _, status = p:close()
  return stock.without_name(contents(out)), status
end

local function terminal(name, case)
  t.test("on a terminal " .. name, function()
    local want, want_status = converse("binstock", case)
    local got, got_status = converse("bingil", case)
    if case.edit then want, got = case.edit(want), case.edit(got) end
    t.equal(got, want)
    t.equal(got_status, want_status, "status")
    t.equal(want_status, case.status or 0, "status of lua5.4")
    if not want:find(case.shows, 1, true) then error("lua5.4 does not show '" .. case.shows .. "' but: " .. want) end
  end)
end

terminal("the prompt comes without options, after the version",
  { "> ", "1 + 1\n", "> ", "os.exit(3)\n", shows = "PUC-Rio\r\n> 2\r\n> ", status = 3 })
terminal("the prompt ends at Ctrl-D", { "> ", "x = 1\n", "> ", "\4", shows = "> > \r\n" })
terminal("the prompt runs finalizers after Ctrl-D", { "> ",
  "x = setmetatable({}, { __gc = function() print('gc') end })\n", "> ", "\4", shows = "gc" })
terminal("the prompt asks for more", { "> ", "for i = 1, 2 do\n", ">> ", "print(i)\n", ">> ", "end\n", "2\r\n> ", "\4",
  shows = ">> 1\r\n2" })
terminal("the prompt shows errors and goes on",
  { "> ", "error('bad')\n", "in ?\r\n> ", "x = =\n", "near '='\r\n> ", "'on'\n", "on\r\n> ", "\4",
    shows = "stdin:1: bad" })
terminal("a script at the prompt's terminal can read lines",
  { "> ", "io.read()\n", "", "typed\n", "typed\r\n> ", "\4", shows = "typed" })
terminal("the prompt comes after -W, -E and -l", { "> ", "s.rep('x', 3)\n", "xxx\r\n> ", "warn('w')\n", "w\r\n> ",
  "\4", args = "-W -E -l s=string",
  shows = "Lua warning: w" })
terminal("-i comes after -e", { "> ", "x\n", "5\r\n> ", "\4", args = "-e 'x = 5' -i", shows = "> 5" })
terminal("-i comes after a script", { "> ", "x\n", "args\r\n> ", "\4", args = "-i s.lua args",
  files = { ["s.lua"] = "x = ..." }, shows = "> args" })
terminal("-e alone shows no prompt", { args = "-e 'print(5)'", shows = "5\r\n" })
terminal("-v alone shows no prompt", { args = "-v", shows = "PUC-Rio\r\n" })
terminal("a script alone shows no prompt", { args = "s.lua", files = { ["s.lua"] = "print('script')" },
  shows = "script\r\n" })
terminal("- reads a program and shows no prompt", { "", "print('program')\n\4", args = "-", shows = "program" })
terminal("standard output is written line by line", { args = "-e 'io.write(\"a\\nb\") os.execute(\"printf c\")'",
  shows = "a\r\ncb" })

-- Ctrl-C raises an error object that can be caught; it says more than "interrupted!". When it comes as early as in
-- print, lua5.4 shows that in the traceback and tells where print was called.
local function interrupted(text)
  text = text:gsub("interrupted: interrupted by Ctrl%-C", "interrupted!")
  text = text:gsub("%(command line%):%d+: interrupted!", "interrupted!"):gsub("[%w.]+:%d+: interrupted!", "interrupted!")
  return (text:gsub("\t%[C%]: in function 'print'\r\n", ""))
end
terminal("Ctrl-C stops an -e, whose status is 1",
  { "ready", "\3", args = "-e 'print(\"ready\") while true do end'", status = 1, shows = "interrupted!",
    edit = interrupted })
terminal("Ctrl-C stops a script with variables to be closed",
  { "ready", "\3", args = "s.lua", status = 1, shows = "closed\r\nlua: interrupted!",
    files = { ["s.lua"] = "local x <close> = setmetatable({}, { __close = function() print('closed') end }) " ..
      "print('ready') while true do end" },
    edit = interrupted })
terminal("Ctrl-C stops a line at the prompt, which comes again",
  { "> ", "print('ready') while true do end\n", "ready", "\3", "in ?\r\n> ", "'on'\n", "on\r\n> ", "\4",
    shows = "stdin:1: in main chunk", edit = interrupted })
terminal("Ctrl-C can be caught", { "ready", "\3",
  args = "-e 'print(pcall(function() print(\"ready\") while true do end end)) print(\"on\")'",
  shows = "on\r\n", edit = interrupted })

stock.finish()
