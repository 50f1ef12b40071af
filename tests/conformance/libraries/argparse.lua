-- Work with argparse: parsers with commands, options of every kind, help, errors. Each call makes its own.

local function new_parser(argparse)
  local parser = argparse("tool", "Does things to files.", "See the manual.")
  parser:argument("input", "What to read."):args "1-2"
  parser:option("-o --output", "Where to write."):default "a.out":argname "<file>"
  parser:option("-I --include", "Where to look."):count "*":argname "<dir>"
  parser:option("-n --number"):convert(tonumber):default "7"
  parser:option("--level", "How much."):choices { "low", "high" }
  parser:option("--pair"):args(2):argname { "<key>", "<value>" }:count "*":action "concat"
  parser:option("--from"):args "?":default "here":defmode "arg"
  parser:flag("-v --verbose", "Say more; again for still more."):count "0-3":target "verbosity"
  parser:mutex(parser:flag "--quiet", parser:flag "--loud":hidden(true))
  parser:group("Rare",
    parser:flag "--rare":description "Seldom needed, but when it is, it is needed badly, so this description is long.")
  return parser
end

local function new_commands(argparse, seen)
  local parser = argparse "git":command_target "command":require_command(true):add_help_command()
  parser:flag "-q --quiet"
  local add = parser:command("add a", "Add a file."):summary "Adds."
  add:argument "file":args "+"
  add:flag "-f --force":action(function(args, _, _, overwrite) args.force = { "forced", overwrite } end)
  local remote = parser:command("remote", "Manage remotes."):require_command(true):command_target "remote_command"
  remote:command "add":argument "name"
  remote:command "rm":action(function(args) seen[#seen + 1] = args.quiet and "quiet rm" or "rm" end)
  parser:command "log":option "--since":init "never"
  return parser
end

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  local words = {}
  for k, v in pairs(value) do words[#words + 1] = tostring(k) .. "=" .. show(v) end
  table.sort(words)
  return "{" .. table.concat(words, " ") .. "}"
end

local lines = {
  "in.txt", "in.txt more.txt", "in.txt -o out -v -v", "in.txt -oout -vvv", "--output=out in.txt",
    "in.txt -I a -Ib --include c", "in.txt -n 42 --level high",
  "in.txt --pair k v --pair x y", "in.txt --from", "in.txt --from there", "-- -in.txt", "in.txt --quiet",
    "in.txt --rare --loud",
  "", "a b c", "in.txt -o", "in.txt -vvvv", "in.txt --level middle", "in.txt --unknown", "in.txt -n x",
    "in.txt --quiet --loud", "in.txt --pair k",
  "in.txt --outptu=x", "in.txt --verbose=yes", "in.txt -x",
}

local command_lines = { "add f1 f2", "a -f x", "-q remote rm", "remote add origin", "log", "log --since now", "", "ad",
  "remote", "remote add", "add", "push" }

return function(pause)
  local argparse, out, seen = require "argparse", {}, {}
  local function say(...) out[#out + 1] = table.concat({ ... }, "\t") end
  local function split(line)
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    return words
  end
  local parser = new_parser(argparse)
  for _, line in ipairs(lines) do
    local ok, result = parser:pparse(split(line))
    say(line, tostring(ok), show(result))
  end
  pause()
  say("usage", parser:get_usage())
  say("help", parser:get_help())
  pause()
  local commands = new_commands(argparse, seen)
  for _, line in ipairs(command_lines) do
    local ok, result = commands:pparse(split(line))
    say(line, tostring(ok), show(result))
  end
  say("seen", table.concat(seen, " "))
  say("help of commands", commands:get_help())
  pause()
  say("bash", commands:get_bash_complete())
  say("wrapped", (new_parser(argparse):help_max_width(50):usage_max_width(40):get_help()))
  say("bad declarations", tostring((pcall(function() argparse():option "--x":args "z" end))),
    tostring((pcall(function() argparse():option(1) end))))
  return table.concat(out, "\n")
end
