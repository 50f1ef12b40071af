-- The prompt, its input from a file. What is read is written back when it comes from no terminal; these lines are taken out of the
-- output, each behind the prompt it was an answer to.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

local function prompt(name, case)
  local lines = {}
  for line in case.stdin:gmatch("[^\n]+") do lines[#lines + 1] = line end
  case.args = case.args or { "-i" }
  case.env = { COLUMNS = "10000" } -- or readline scrolls long lines
  function case.edit(text, stream, program)
    if stream ~= "stdout" then return text end
    local at = 1
    for _, line in ipairs(lines) do
      local first, last = text:find("> " .. line .. "\n", at, true)
      if not first then error(program .. " does not write back '" .. line .. "': " .. text) end
      at = first + #"> "
      text = text:sub(1, at - 1) .. text:sub(last + 1)
    end
    return text
  end
  stock.same("the prompt " .. name, case)
end

for _, row in ipairs {
  { "shows the version, runs a line and ends at the end of input", "x = 1\nprint(x)\n", "> > 1\n> \n" },
  { "ends in the middle of a line that has no newline", "print('last')", "last" },
  { "shows the value of an expression", "1 + 1\n", "2" },
  { "shows all values of an expression", "1, nil, 'x'\n", "1\tnil\tx" },
  { "shows the results of a call", "string.find('abc', 'c')\n", "3\t3" },
  { "shows nothing for a call without results", "(function() end)()\n", "> > \n" },
  { "shows nil", "nil\n", "nil" },
  { "shows nothing for a statement", "local x = 5\n", "> > \n" },
  { "asks for the name of a local", " local\nname = 5\nname\n", "nil" },
  { "runs a name that begins as local", "localx = 5\nlocalx\n", "5" },
  { "takes =x for return x", "=5, 6\n", "5\t6" },
  { "takes = with nothing behind it", "=\n", "> > \n" },
  { "takes return with values", "return 7, 8\n", "7\t8" },
  { "keeps no local variables", "local x = 5\nx\n", "nil" },
  { "keeps global variables", "x = 5\nx + 1\n", "6" },
  { "asks for more while a statement is incomplete", "for i = 1, 2 do\nprint(i)\nend\n", ">> >> 1\n2" },
  { "asks for more within a string", "x = [[\nline]]\n#x\n", "> >> > 4" },
  { "asks for more within a comment", "--[[\ntext]] print('behind')\n", "behind" },
  { "asks for more within an expression", "f(\n1)\n", "attempt to call a nil value (global 'f')" },
  { "asks for more after an operator in a statement", "x = 1 +\n2\nx\n", ">> > 3" },
  { "counts the lines of a statement", "do\nlocal x\nerror('here')\nend\n", "stdin:3: here" },
  { "gives up a statement that is wrong further on", "do\nx = = 1\nprint('fresh')\n", "unexpected symbol near '='" },
  { "shows a syntax error and goes on", "x = = 1\nprint('on')\n", "unexpected symbol near '='" },
  { "shows a wrong word", "hello world\n", "syntax error near 'world'" },
  { "shows a runtime error with its traceback and goes on", "error('bad')\nprint('on')\n", "in function 'error'" },
  { "shows errors without the name of the program", "error('bad', 0)\n", "bad\n" },
  { "shows an error object without text", "error({})\nerror()\n", "(error object is a table value)" },
  { "shows an error object with __tostring",
    "error(setmetatable({}, { __tostring = function() return 'mine' end }))\n", "mine" },
  { "shows an error within a coroutine", "coroutine.wrap(function() error('in co') end)()\n", "in co" },
  { "shows a yield as an error", "coroutine.wrap(coroutine.yield)()\ncoroutine.isyieldable()\n", "false" },
  { "shows a stack overflow of C", "function f() return (('x'):gsub('.', f)) end\nf()\n", "C stack overflow" },
  { "uses the global print", "print = function(...) io.write('[', ..., ']') end\n5\n", "[5]" },
  { "shows an error of the global print", "print = function() error('no print') end\n5\n",
    "error calling 'print' (stdin:1: no print)" },
  { "shows that print is gone", "print = nil\n5\n", "error calling 'print' (attempt to call a nil value)" },
  { "shows values by __tostring", "setmetatable({}, { __tostring = function() return 'obj' end })\n", "obj" },
  { "shows an error of __tostring of a value", "setmetatable({}, { __tostring = function() error('no text') end })\n",
    "error calling 'print' (" },
  { "collects nothing too early", "for i = 1, 3 do collectgarbage() end\nx = {}\ncollectgarbage() x = nil\n", "0" },
  { "runs a goto and an attribute", "do local n <const> = 2 ::top:: goto done ::done:: print(n) end\n", "2" },
  { "runs many statements in a line", "a = 1; b = 2; return a + b\n", "3" },
  { "runs a comment", "-- nothing\n", "> > \n" },
  { "runs a line of 2000 bytes", "#'" .. ("x"):rep(2000) .. "'\n", "2000" },
  { "ends by os.exit", "os.exit(4) print('not run')\n", "Lua 5.4", status = 4 },
  { "closes the state by os.exit", "x = setmetatable({}, { __gc = function() print('gc') end }) os.exit(true, true)\n",
    "gc" },
  { "runs finalizers at its end", "x = setmetatable({}, { __gc = function() print('gc') end })\n", "> \ngc" },
  { "ends well after errors", "error('bad')\nerror('worse')\n", "worse" },
  { "turns warnings on", "warn('@on')\nwarn('w')\n", "Lua warning: w" },
  { "shows values with NUL and high bytes", "'a\\0b\\xE4'\n", "a\0b\xE4" },
  { "comes after an -e", "x\n", "> 3", args = { "-e", "x = 3", "-i" } },
  { "comes after a script and its arguments", "x\n", "> y", args = { "-i", "s.lua", "y" },
    files = { ["s.lua"] = "x = ... return 5" } },
  { "sees arg", "arg[0], arg[-1], arg[1]\n", "s.lua\t-i\ty", args = { "-i", "s.lua", "y" },
    files = { ["s.lua"] = "" } },
  { "comes after -i and -- alone", "1\n", "> 1", args = { "-i", "--" } },
  { "comes with warnings by -W", "warn('w')\n", "Lua warning: w", args = { "-W", "-i" } },
} do
  local case = { stdin = row[2], shows = row[3] }
  for key, value in pairs(row) do
    if type(key) == "string" then case[key] = value end
  end
  prompt(row[1], case)
end

for _, row in ipairs {
  { "uses _PROMPT", "_PROMPT = 'lua> '\nx = 1\n_PROMPT = nil\n", "lua> lua> > " },
  { "uses _PROMPT2", "_PROMPT2 = 'more> '\ndo\nend\n", "> more> > " },
  { "uses __tostring of _PROMPT",
    "n = 0 _PROMPT = setmetatable({}, { __tostring = function() n = n + 1 return n .. '> ' end })\nx = 1\n", "1> 2> " },
  { "uses numbers as prompts", "_PROMPT = 5\n", "> 5\n" },
} do
  prompt(row[1], { stdin = row[2], shows = row[3] })
end

stock.same("the prompt comes after a program on stdin, with nothing left to read",
  { args = { "-i", "-" }, stdin = "print('the program')\n", shows = "the program\n> \n" })

-- _PROMPT is asked for outside of any protected call but the outermost: the program ends.
prompt("ends with an error of _PROMPT", { status = 1, shows = "no prompt",
  stdin = "_PROMPT = setmetatable({}, { __tostring = function() error('no prompt') end })\n" })
prompt("ends with a _PROMPT that is no text", { status = 1, shows = "'__tostring' must return a string",
  stdin = "_PROMPT = setmetatable({}, { __tostring = function() return {} end })\n" })

stock.finish()
