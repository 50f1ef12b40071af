-- The options that lua5.4 does not have: --policy, --switch-interval, --stats, --help.
local t = require "testing"

-- What the program writes to one stream alone.
local function stdout_of(args) return (t.run(args, { stderr = "2>/dev/null" })) end
local function stderr_of(args) return (t.run(args, { stderr = "2>&1 >/dev/null" })) end

local SHOW = "local gil = require 'gilua.gil' print(gil.policy(), string.format('%.9f', gil.switch_interval()))"

for _, row in ipairs {
  { "the policy is fair and the interval 5 ms", {}, "fair\t0.005000000" },
  { "--policy sets the policy", { "--policy", "interval" }, "interval\t0.005000000" },
  { "--policy=NAME does, too", { "--policy=ticks" }, "ticks\t0.005000000" },
  { "--switch-interval sets the interval", { "--switch-interval", "0.25" }, "fair\t0.250000000" },
  { "--switch-interval=S does, too, however it is written", { "--switch-interval=1e-6" }, "fair\t0.000001000" },
  { "the last of two holds", { "--policy=ticks", "--policy", "fair", "--switch-interval=1", "--switch-interval=0.5" },
    "fair\t0.500000000" },
} do
  t.test(row[1], function()
    local args = table.move(row[2], 1, #row[2], 1, {})
    args[#args + 1], args[#args + 2] = "-e", SHOW
    t.equal(stdout_of(args), row[3] .. "\n")
  end)
end

for _, row in ipairs {
  { "--policy without a name", { "--policy" }, "'--policy' needs fair, interval or ticks" },
  { "--policy with an unknown name", { "--policy", "best" }, "'--policy' needs fair, interval or ticks" },
  { "--policy= with nothing", { "--policy=" }, "'--policy' needs fair, interval or ticks" },
  { "--policy with an option behind it", { "--policy", "-v" }, "'--policy' needs fair, interval or ticks" },
  { "--switch-interval without a number", { "--switch-interval" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval with a word", { "--switch-interval", "fast" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval with more behind the number", { "--switch-interval=1s" },
    "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval=0", { "--switch-interval=0" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval below its range", { "--switch-interval=9e-7" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval above its range", { "--switch-interval=1.1" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--switch-interval=nan", { "--switch-interval=nan" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "a negative --switch-interval", { "--switch-interval=-1" }, "'--switch-interval' needs seconds from 1e-6 to 1" },
  { "--trace without a file", { "--trace" }, "'--trace' needs a file" },
  { "--stats with a value", { "--stats=1" }, "unrecognized option '--stats=1'" },
  { "--helpme", { "--helpme" }, "unrecognized option '--helpme'" },
  { "--switch-intervals", { "--switch-intervals=1" }, "unrecognized option '--switch-intervals=1'" },
} do
  t.test("usage is shown and nothing run for " .. row[1], function()
    local args = table.move(row[2], 1, #row[2], 3, { "-e", "print('run')" })
    local text, status = t.run(args)
    t.equal(status, 1)
    local program = os.getenv("GILUA")
    local first, second = text:match("^([^\n]*)\n([^\n]*)\n")
    t.equal(first, program .. ": " .. row[3])
    t.equal(second, "usage: " .. program .. " [options] [script [args]]")
  end)
end

t.test("--help shows the usage on standard output and runs nothing", function()
  local text, status = t.run({ "-e", "print('run')", "--help", "missing.lua" }, { stderr = "2>/dev/null" })
  t.equal(status, 0)
  t.equal(text:match("^usage: ") ~= nil, true, text)
  for _, option in ipairs { "-e stat", "-i ", "-l mod", "-l g=mod", "-v ", "-E ", "-W ", "-- ", "- ", "--policy NAME",
    "--switch-interval S", "--stats", "--trace FILE", "--help" } do
    t.equal(text:find("\n  " .. option, 1, true) ~= nil, true, option)
  end
  t.equal(text:find("run\n", 1, true), nil)
end)

t.test("--help behind a wrong option does not help", function()
  local text, status = t.run { "-x", "--help" }
  t.equal(status, 1)
  t.equal(text:find("unrecognized option '-x'", 1, true) ~= nil, true, text)
end)

t.test("--stats shows the lock and the main thread, on standard error", function()
  local text = stderr_of { "--stats", "-e",
    "print('out')" }
  t.equal(text:match("\nlock: %d+ switches, %d+ of them forced, %d+ signals\n") ~= nil, true, text)
  t.equal(text:match("\nthread +acquisitions +held ms +waited ms +forced +longest ms +longest at\n") ~= nil, true, text)
  t.equal(text:match("\nMain[%w-]* +%d+ +[%d.]+ +[%d.]+ +%d+ +[%d.]+") ~= nil, true, text)
end)

t.test("--stats has a line a thread, whatever characters its name has", function()
  local text = stderr_of { "--stats", "-e",
    [[require "gilua.threading".Thread{ target = print, name = "a\nb\27[31m\xff" }:start():join()]] }
  t.equal(text:find("\na\u{FFFD}b\u{FFFD}[31m\u{FFFD} ", 1, true) ~= nil, true, text)
end)

t.test("--stats=json writes one line of JSON, with threads that have ended", function()
  local text = stderr_of { "--stats=json", "-e",
    "require('gilua.threading').Thread{ name = 'a \"b\"', target = function() end }:start():join()" }
  t.equal(text:match('^{"switches":%d+,"forced_switches":%d+,"signals":%d+,"threads":%[{"ident":1,"name":"MainThread",') ~= nil,
    true, text)
  t.equal(text:match('"ended":%[{"ident":2,"name":"a \\u0022b\\u0022","acquisitions":%d+,') ~= nil, true, text)
  t.equal(text:match('}%],"pools":%[%]}\n$') ~= nil, true, text)
end)

t.test("--stats comes after an error, and leaves the status", function()
  local text, status = t.run { "--stats", "-e", "error('bad')" }
  t.equal(status, 1)
  t.equal(text:match("bad\nstack traceback:.*\nlock: ") ~= nil, true, text)
end)

t.test("--stats comes with os.exit, too, of any thread", function()
  for _, code in ipairs {
    "os.exit(4)", "os.exit(4, true)", "local t = require('gilua.threading').start(os.exit, 4) t:join()",
  } do
    local text, status = t.run { "--stats", "-e", code }
    t.equal(status, 4)
    t.equal(select(2, text:gsub("lock: %d+ switches", "")), 1, text)
  end
end)

t.test("--version and -v say which gilua and which Lua", function()
  for _, option in ipairs { "--version", "-v" } do
    t.equal(stdout_of({ option }):match("^gilua 0%.%d+ on Lua (5%.%d)"), t.version, option)
  end
end)

t.test("without --stats there are none", function()
  t.equal(stderr_of { "-e", "print(1)" }, "")
end)

t.test("gilua's options are in arg like all others", function()
  t.equal(stdout_of { "--policy", "fair", "--stats", "-e", "print(arg[1], arg[2], arg[3], arg[4])" },
    "--policy\tfair\t--stats\t-e\n")
end)

t.finish()
