-- Every code block of every document runs, with what it requires itself, and prints what it says.
local t = require "testing"
local blocks = require "blocks"
local root = os.getenv "TEST_ROOT"

-- Made from the code, which has its own test.
local made = { ["docs/reference.md"] = true }

local function documents()
  local list = {}
  local ls <close> = io.popen(("cd '%s' && ls README.md docs/*.md"):format(root))
  for name in ls:lines() do
    if not made[name] then list[#list + 1] = name end
  end
  return list
end

local function write(text)
  local path = os.tmpname()
  local file <close> = io.open(path, "w")
  file:write(text)
  return path
end

local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return table.concat(lines, "\n")
end

-- Where a block runs: as the program, and in a thread, a process and a program that is executed anew.
local places = {
  { "the program", "%s" },
  { "a thread", "require 'gilua.threading'.start(function()\n%s\nend):result()" },
  { "a process", [[local p = require 'gilua.multiprocessing'.Process{ target = function()
%s
end }
p:start() p:join() os.exit(p.exitcode)]] },
  { "a spawned worker", [[local p <close> = require 'gilua.futures'.ProcessPoolExecutor{ max_workers = 1, start = "spawn" }
p:submit(function()
%s
end):result()]] },
}

-- output: the block that says what is printed, in any order
local function check_lua(block, place, output)
  local text = (block.with and block.with .. "\n" or "") .. block.text
  local path = write((place[2]:gsub("%%s", function() return text end)))
  local printed, status = t.run { path }
  os.remove(path)
  t.equal(status, 0, block.where .. " in " .. place[1] .. ":\n" .. printed)
  local expected = table.concat(blocks.expected(block.text), "\n")
  if expected ~= "" then t.equal(printed:gsub("\n$", ""), expected, block.where) end
  if output then t.equal(sorted(printed), sorted(output.text), block.where) end
end

local function check_c(block)
  local text = (block.with or "#include <gilua.h>\n…"):gsub("…", function() return block.text end)
  local path = write(text)
  local cc <close> = io.popen(("cc -x c -fsyntax-only -Wall -Wno-unused -Werror -I'%s/interp' $(pkg-config --cflags lua5.4) %s 2>&1")
    :format(root, path))
  local said = cc:read "a"
  os.remove(path)
  t.equal(said, "", block.where)
end

for _, name in ipairs(documents()) do
  local list = blocks.of(root .. "/" .. name, name)
  for i, block in ipairs(list) do
    local following = list[i + 1]
    local output = following and following.lang == "" and following or nil
    if block.lang == "lua" and not block.skip then
      for _, place in ipairs(places) do
        if not (block.main and place[1] == "a thread") then
          t.test(("%s runs in %s"):format(block.where, place[1]), function() check_lua(block, place, output) end)
        end
      end
    elseif block.lang == "c" and not block.skip then
      t.test(block.where .. " compiles", function() check_c(block) end)
    elseif block.lang ~= "" and block.lang ~= "text" then
      t.test(block.where .. " says why it is not run", function() assert(block.skip and #block.skip > 5, "no reason") end)
    end
  end
end

t.finish()
