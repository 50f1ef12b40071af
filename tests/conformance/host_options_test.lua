-- The options of the program: alone, together, wrong; the table arg and the arguments of the script.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

local SHOW_ARG = [[
local low = 0
while arg[low - 1] do low = low - 1 end
local words = {}
for i = low, #arg do words[#words + 1] = i .. "=" .. arg[i] end
print(table.concat(words, " "), select("#", ...), ...)
]]
local files = { ["args.lua"] = SHOW_ARG, ["nothing.lua"] = "", ["-"] = "print('the file -')",
  ["m1.lua"] = "return { name = ... }" }

stock.table {
  { "-v shows the version and reads no stdin", { "-v" }, "Lua 5.4", stdin = "print('read')" },
  { "-v comes once, however often it is given", { "-v", "-v" }, "Lua 5.4" },
  { "-v comes before everything that runs", { "-e", "print(1)", "-v" }, "1" },
  { "-e runs a string", { "-e", "print('one')" }, "one" },
  { "-e may be written together with its string", { "-eprint('one')" }, "one" },
  { "-e runs each string, in order", { "-e", "x = 1", "-e", "print(x)", "-eprint(x + 1)" }, "2" },
  { "-e with an empty string runs nothing", { "-e", "" }, "" },
  { "-e keeps stdin unread", { "-e", "print(io.read('a'))" }, "text", stdin = "text" },
  { "-e has no arguments of its own", { "-e", "print(select('#', ...))" }, "0" },
  { "-e comes before the script", { "-e", "print('first')", "args.lua", "a" }, "first", files = files },
  { "-e may contain a NUL-free chunk of many lines", { "-e", "print(1)\n\n\nprint(debug.getinfo(1).currentline)" },
    "4" },
  { "-l requires a module into a global of its name", { "-l", "m1", "-e", "print(m1.name)" }, "m1", files = files },
  { "-l may be written together with its module", { "-lm1", "-e", "print(m1.name)" }, "m1", files = files },
  { "-l g=mod requires a module into another global", { "-l", "g=m1", "-e", "print(g.name, m1)" }, "nil",
    files = files },
  { "-lg=mod may be written together", { "-lg=m1", "-e", "print(g.name, m1)" }, "nil", files = files },
  { "-l takes the first = for its own", { "-l", "a=b=c", "-e", "" }, "b=c", status = 1 },
  { "-l with nothing before the = sets the global ''", { "-l", "=m1", "-e", "print(_G[''].name)" }, "m1",
    files = files },
  { "-l loads a library that is there already", { "-l", "s=string", "-e", "print(s == string)" }, "true" },
  { "-l and -e run in the order given", { "-e", "package.preload.q = function() return 'q' end", "-lq", "-e",
    "print(q)" }, "q" },
  { "-l leaves stdin to be read as a program", { "-l", "m1" }, "m1", stdin = "print(m1.name)", files = files },
  { "-W turns warnings on", { "-W", "-e", "warn('careful')" }, "Lua warning: careful" },
  { "-W counts from where it stands", { "-e", "warn('early')", "-W", "-e", "warn('late')" }, "Lua warning: late" },
  { "-W leaves stdin to be read as a program", { "-W" }, "Lua warning: x", stdin = "warn('x')" },
  { "without -W warnings are off", { "-e", "warn('unseen')" }, "" },
  { "-E leaves stdin to be read as a program", { "-E" }, "ran", stdin = "print('ran')" },
  { "-- ends the options", { "--", "args.lua", "-x" }, "args.lua", files = files },
  { "-- alone reads stdin as a program", { "--" }, "ran", stdin = "print('ran')" },
  { "-- makes - a file", { "--", "-" }, "the file -", files = files, stdin = "print('stdin')" },
  { "-- after -e leaves nothing to do", { "-e", "print(1)", "--" }, "1", stdin = "print('stdin')" },
  { "-- before an option makes it the script", { "--", "-v" }, "cannot open -v", status = 1 },
  { "-- twice makes the second one the script", { "--", "--" }, "cannot open --", status = 1 },
  { "- reads stdin as a program", { "-" }, "ran", stdin = "print('ran')" },
  { "- passes arguments to the program of stdin", { "-", "a", "-v" }, "1=a", stdin = SHOW_ARG },
  { "- after options reads stdin", { "-e", "x = 1", "-W", "-" }, "1", stdin = "print(x)" },
  { "- is the script even with -i unread", { "-", "--", "b" }, "2=b", stdin = SHOW_ARG },
  { "a script gets its arguments as ...", { "args.lua", "a", "", "b c", "-e" }, "4\ta", files = files },
  { "a script without arguments gets none", { "args.lua" }, "0=args.lua\t0", files = files },
  { "arg has the options at negative indices", { "-W", "-e", "x=1", "args.lua", "a" }, "-4=lua -3=-W", files = files },
  { "arg has -- at a negative index", { "-E", "--", "args.lua", "a" }, "-3=lua -2=-E -1=--", files = files },
  { "arg starts at the program when there is no script", { "-e", SHOW_ARG, "-W" }, "0=lua 1=-e", files = files },
  { "arg starts at the program when stdin is run", { "-W" }, "0=lua 1=-W", stdin = SHOW_ARG },
  { "arg has - as the script", { "-" }, "-1=lua 0=-", stdin = SHOW_ARG },
  { "arg is seen by -e before the script runs", { "-e", SHOW_ARG, "nothing.lua", "z" }, "0=nothing.lua 1=z",
    files = files },
  { "arg may be changed before the script gets it", { "-e", "arg[2] = 'new'", "args.lua", "a" }, "2\ta\tnew",
    files = files },
  { "arg may be shortened before the script gets it", { "-e", "arg[1] = nil", "args.lua", "a" }, "\t0", files = files },
  { "arg that is no table is an error", { "-e", "arg = 5", "args.lua" }, "'arg' is not a table", status = 1,
    files = files },
  { "arg with a wild length is an error", { "-e", "setmetatable(arg, { __len = function() return 1 << 30 end })",
    "args.lua" },
    "too many arguments to script", status = 1, files = files },
  { "many arguments all come", { "args.lua",
    table.unpack((function() local w = {} for i = 1, 190 do w[i] = "w" .. i end return w end)()) },
    "190=w190", files = files },
  { "-i, -W, -E, -v and -e go together", { "-E", "-v", "-W", "-e", "warn('w') print('p')" }, "Lua warning: w" },
}

-- What the usage of gilua has more.
local function without_own_options(text, stream)
  return stream == "stderr" and text:gsub("  %-%-%l[%w-]+[^\n]*\n", "") or text
end

for _, row in ipairs {
  { "an unknown letter", { "-x" }, "unrecognized option '-x'" },
  { "a long option", { "--verbose" }, "unrecognized option '--verbose'" },
  { "a long option that is not even a word", { "---" }, "unrecognized option '---'" },
  { "letters in one word", { "-vi" }, "unrecognized option '-vi'" },
  { "-E with more letters", { "-Ex" }, "unrecognized option '-Ex'" },
  { "-W with more letters", { "-W1" }, "unrecognized option '-W1'" },
  { "-i with more letters", { "-ii" }, "unrecognized option '-ii'" },
  { "-h", { "-h" }, "unrecognized option '-h'" },
  { "-e without a string", { "-e" }, "'-e' needs argument" },
  { "-e with an option behind it", { "-e", "-v" }, "'-e' needs argument" },
  { "-e with - behind it", { "-e", "-" }, "'-e' needs argument" },
  { "-l without a module", { "-l" }, "'-l' needs argument" },
  { "-l with an option behind it", { "-l", "--" }, "'-l' needs argument" },
  { "a word that starts like one of gilua's options", { "--policyx" }, "unrecognized option '--policyx'" },
  { "a long option that starts like -e", { "--e" }, "unrecognized option '--e'" },
  { "a wrong option behind right ones", { "-e", "print(1)", "-v", "-q" }, "unrecognized option '-q'" },
} do
  stock.same("usage is shown and nothing run for " .. row[1],
    { args = row[2], shows = row[3], status = 1, edit = without_own_options })
end

-- arg has gilua's own options, too, so a script that shows it only from 0 up.
files["words.lua"] = "print(arg[0], select('#', ...), ...)"
for _, own in ipairs {
  { "--policy", "fair" }, { "--policy=interval" }, { "--policy", "ticks" }, { "--switch-interval", "1e-6" },
    { "--switch-interval=1" },
} do
  local words = table.concat(own, " ")
  stock.same(words .. " leaves the order of the options as it is",
    { own = own, args = { "-e", "x = 1", "-W", "-lm1", "-e", "print(x, m1.name) warn('w')" }, shows = "Lua warning: w",
      files = files })
  stock.same(words .. " leaves stdin to be read as a program",
    { own = own, args = {}, shows = "2", stdin = "print(1 + 1)" })
  stock.same(words .. " leaves a script its arguments",
    { own = own, args = { "-W", "words.lua", "a", "--policy" }, shows = "words.lua\t2\ta\t--policy", files = files })
end

stock.finish()
