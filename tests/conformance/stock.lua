-- Runs a command line under the distribution's lua5.4 and under the program under test, and compares all that shows. With
-- Lua 5.5 it is lua5.5, and what cases say of 5.4 is said of that.
--
--   local stock = require "stock"
--   stock.same("a sentence", { args = { "-e", "print(1)" }, shows = "1" })
--   stock.finish()
--
-- Both programs are called "lua" in a directory of their own, so their messages have the same name in them.
local t = require "testing"

local stock = {}

-- Text of a case about 5.4, about the version under test.
local function of_version(text) return (text:gsub("5([._])4", "5%1" .. t.version:sub(3))) end

local VARIABLES = of_version "LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4"

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function output_of(command)
  local p <close> = assert(io.popen(command))
  return p:read("a")
end

local function write(name, text)
  local f <close> = assert(io.open(name, "w"))
  f:write(text)
end

local function read(name)
  local f <close> = assert(io.open(name))
  return f:read("a")
end

-- A directory with both programs in it, which finish removes.
local function new_directory()
  local dir = output_of('mktemp -d "${TEST_TMPDIR:-/tmp}/conformance.XXXXXX"'):match("^(.-)\n$")
  assert(os.execute(string.format(
    "cd %s && mkdir binstock bingil && ln -s \"$(command -v %s)\" binstock/lua && ln -s %s bingil/lua",
    quote(dir), t.stock, quote(os.getenv("GILUA")))))
  return dir
end

stock.directory = new_directory()
stock.quote = quote

-- What a shell does before the program runs: in its directory, with the environment of the case and its files there.
function stock.setup(program, case)
  local words = { string.format("cd %s; unset %s; PATH=%s/%s:$PATH; export PATH TERM=dumb;", quote(stock.directory),
    VARIABLES, stock.directory, program) }
  for name, value in pairs(case.env or {}) do words[#words + 1] = string.format("export %s=%s;", of_version(name), quote(value)) end
  for name, text in pairs(case.files or {}) do write(stock.directory .. "/" .. name, text) end
  return table.concat(words, " ")
end

-- What the program shows, without the name of gilua before Lua's version.
function stock.without_name(text) return (text:gsub("gilua [%d.]+ on (Lua )", "%1")) end

local function release_of(program) return stock.without_name(output_of(stock.setup(program, {}) .. " lua -v 2>&1")) end

if release_of "bingil" ~= release_of "binstock" then
  print("1..0 # SKIP " .. t.stock .. " is another release of Lua")
  os.execute("rm -rf " .. quote(stock.directory))
  os.exit(true)
end

local function command_line(program, case)
  local words = { stock.setup(program, case), case.before or "", "lua" }
  if program == "bingil" then table.move(case.own or {}, 1, #(case.own or {}), #words + 1, words) end
  for _, a in ipairs(case.args) do words[#words + 1] = quote(a) end
  words[#words + 1] = case.stdin and "<stdin" or "</dev/null"
  words[#words + 1] = ">stdout 2>stderr"
  words[#words + 1] = case.redirect or ""
  words[#words + 1] = "; echo $?"
  return table.concat(words, " ")
end

-- 5.5 forgets the reason when a file cannot be read; gilua says it.
local function without_reason(text)
  return t.version == "5.4" and text or (text:gsub("(cannot read [^:\n\"]+): [%a ]+", "%1"))
end

-- Runs the case; returns a table with stdout, stderr and status.
local function run(program, case)
  local directory = stock.directory
  if case.stdin then write(directory .. "/stdin", case.stdin) end
  local status = output_of(command_line(program, case))
  local result = { status = tonumber(status), stdout = read(directory .. "/stdout"),
    stderr = read(directory .. "/stderr") }
  for name in pairs(case.files or {}) do os.remove(directory .. "/" .. name) end
  for name, text in pairs(result) do
    if name ~= "status" then
      text = stock.without_name(without_reason(text))
      result[name] = text:gsub("0x%x%x%x%x+", "0xADDRESS") -- another one in each process
    end
  end
  return result
end

-- The lua5.4 of 5.4.7 runs out of memory where `--` is the last of its arguments: nothing to compare with.
local function fails_at_the_end_of_options(args, want)
  return args[#args] == "--" and want.status == 1 and want.stderr:find("not enough memory", 1, true) ~= nil
end

-- One test. A case has
--   args, shows                text that lua5.4 must show, so that nothing passes by not running
--   status                     0 unless given, false for any
--   stdin, env, files          text; name to value; name to contents
--   before, redirect           shell words before the program and behind it
--   own                        arguments for gilua alone
--   edit(text, stream, program)   smooths what is meant to differ
function stock.same(name, case)
  t.test(name, function()
    local want, got = run("binstock", case), run("bingil", case)
    if fails_at_the_end_of_options(case.args, want) then return end
    for _, stream in ipairs { "stdout", "stderr" } do
      if case.edit then
        want[stream], got[stream] = case.edit(want[stream], stream, "lua5.4"), case.edit(got[stream], stream, "gilua")
      end
      t.equal(got[stream], want[stream], stream)
    end
    t.equal(got.status, want.status, "status")
    if case.status ~= false then t.equal(want.status, case.status or 0, "status of lua5.4") end
    local shown, shows = want.stdout .. want.stderr, of_version(case.shows)
    if shows == "" then
      t.equal(shown, "", t.stock)
    elseif not shown:find(t.version == "5.4" and shows or ".", 1, t.version == "5.4") then -- its texts are its own
      error(t.stock .. " does not show '" .. shows .. "' but: " .. shown)
    end
  end)
end

-- Each row is { name, args, shows [, more fields of a case] }.
function stock.table(rows)
  for _, row in ipairs(rows) do
    local case = { args = row[2], shows = row[3] }
    for key, value in pairs(row) do
      if type(key) == "string" then case[key] = value end
    end
    stock.same(row[1], case)
  end
end

function stock.finish()
  os.execute("rm -rf " .. quote(stock.directory))
  t.finish()
end

return stock
