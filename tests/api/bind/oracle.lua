-- oracle.lua SEED DIR: random annotated prototypes with functions that write down what they get and give what is known beforehand.
-- They are bound, compiled with $CC_WORDS and called: with values that fit, and with each argument replaced by one that does not.
local seed, dir, gilua = tonumber(arg[1]), arg[2], arg[-1]
math.randomseed(seed)
local random = math.random
local function pick(t) return t[random(#t)] end

local LEAST, MOST = math.mininteger, math.maxinteger
local INTEGERS = {} -- { C type, least, most }; the upper half of unsigned 64 bits is negative in Lua
for names, range in pairs {
  ["signed char|int8_t"] = { -128, 127 }, ["unsigned char|uint8_t|char unsigned"] = { 0, 255 },
  ["short|int16_t|short int|short signed"] = { -32768, 32767 }, ["unsigned short|uint16_t|unsigned short int"] = { 0, 65535 },
  ["int|int32_t|signed"] = { -2147483648, 2147483647 }, ["unsigned|unsigned int|uint32_t"] = { 0, 4294967295 },
  ["long|long long|int64_t|long int|int long|ssize_t"] = { LEAST, MOST },
  ["unsigned long|unsigned long long|uint64_t|size_t|long unsigned int|int long unsigned long"] = { LEAST, MOST, true },
} do
  for name in names:gmatch "[^|]+" do INTEGERS[#INTEGERS + 1] = { name, range[1], range[2], range[3] } end
end
table.sort(INTEGERS, function(a, b) return a[1] < b[1] end)

local function integer(t) return ({ t[2], t[3], 0, random(0, 100) })[random(4)] end
local function constant(t, v) return ("(%s)%dULL"):format(t[1], v):gsub("%-9223372036854775808ULL", "0x8000000000000000ULL"):gsub("%-", "(unsigned long long)-") end

-- A function's text and what is known of it. add: a parameter; say: a line of its body; give: an argument, and what it writes.
local F = {}
F.__index = F
function F:add(...) self.parameters[#self.parameters + 1] = (...):format(select(2, ...)) end
function F:say(...) self.body[#self.body + 1] = (...):format(select(2, ...)) end
function F:give(value, log, ...)
  self.args[#self.args + 1] = value
  self.log[#self.log + 1] = log
  for _, wrong in ipairs { ... } do self.wrong[#self.wrong + 1] = { #self.args, wrong } end
end
function F:want(value) self.results[#self.results + 1] = value end

local parameters = {}

function parameters.integer(f, n)
  local t = pick(INTEGERS)
  local v = integer(t)
  f:add("%s %s", t[1], n)
  f:say('LOG("%%lld,", (long long)%s);', n)
  f:give(v, v .. ",", "x", 1.5, {}, t[3] < MOST and t[3] + 1 or 2.0 ^ 64, t[2] > LEAST and t[2] - 1 or -2.0 ^ 64)
end
parameters.integers = parameters.integer

function parameters.real(f, n)
  local v = pick { 0.0, 0.5, -1.25, 1e10, 3.0 }
  f:add("%s %s", pick { "double", "float" }, n)
  f:say('LOG("%%.17g,", (double)%s);', n)
  f:give(v, ("%.17g,"):format(v), "x", true)
end

function parameters.bool(f, n)
  local v = random(2) == 1
  f:add("bool %s", n)
  f:say('LOG("%%d,", %s);', n)
  f:give(v, v and "1," or "0,", 1, "x")
end

function parameters.enum(f, n)
  local v = pick { 0, 5, 6 }
  f:add("enum Colour %s", n)
  f:say('LOG("%%d,", (int)%s);', n)
  f:give(v, v .. ",", "x", {})
end

function parameters.string(f, n)
  local v = pick { "", "text", "a b" }
  f:add("const char *%s", n)
  f:say('LOG("%%s,", %s);', n)
  f:give(v, v .. ",", {}, "a\0b")
end

function parameters.bytes(f, n)
  local v, sum = pick { "", "te\0xt", ("z"):rep(300) }, 0
  for i = 1, #v do sum = sum + v:byte(i) end
  local both = { ("const %s *%s /* bytes */"):format(pick { "void", "unsigned char", "char", "uint8_t" }, n),
    ("%s n%s /* length of %s */"):format(pick { "size_t", "unsigned long", "int", "uint32_t", "unsigned short" }, n, n) }
  local first = random(2)
  f:add("%s", both[first])
  f:add("%s", both[3 - first])
  f:say("{ unsigned sum = 0; for (unsigned long i = 0; i < (unsigned long)n%s; i++) sum += ((const unsigned char *)%s)[i];", n, n)
  f:say('LOG("%%lu:%%u,", (unsigned long)n%s, sum); }', n)
  f:give(v, #v .. ":" .. sum .. ",", {})
end

function parameters.out(f, n)
  local t = pick(INTEGERS)
  local v = integer(t)
  f:add("%s *%s /* out */", t[1], n)
  f:say("*%s = %s;", n, constant(t, v))
  f:want(v)
end

function parameters.inout(f, n)
  local t = pick(INTEGERS)
  local v, given = integer(t), integer(t)
  f:add("%s *%s /* inout */", t[1], n)
  f:say('LOG("%%lld,", (long long)*%s); *%s = %s;', n, n, constant(t, v))
  f:give(given, given .. ",", "x")
  f:want(v)
end

function parameters.list(f, n)
  local t, list, text = pick(INTEGERS), {}, ""
  for i = 1, random(4) do
    list[i] = integer(t)
    text = text .. list[i] .. ","
  end
  f:add("const %s %s[%d]", t[1], n, #list)
  f:say('for (int i = 0; i < %d; i++) LOG("%%lld,", (long long)%s[i]);', #list, n)
  f:give(list, text, {}, 1, { "x", "x", "x", "x" })
end

function parameters.out_list(f, n)
  local list = {}
  for i = 1, random(4) do list[i] = i + 0.5 end
  f:add("double %s[%d] /* out */", n, #list)
  f:say("for (int i = 0; i < %d; i++) %s[i] = i + 1.5;", #list, n)
  f:want(list)
end

function parameters.inout_list(f, n)
  local t, list, back, text = pick(INTEGERS), {}, {}, ""
  for i = 1, random(4) do
    list[i] = random(0, 100)
    back[i] = list[i] + 1
    text = text .. list[i] .. ","
  end
  f:add("%s %s[%d] /* inout */", t[1], n, #list)
  f:say('for (int i = 0; i < %d; i++) { LOG("%%lld,", (long long)%s[i]); %s[i] += 1; }', #list, n, n)
  f:give(list, text, {}, 1)
  f:want(back)
end

function parameters.out_block(f, n)
  local size = random(5)
  f:add("uint8_t %s[%d] /* out bytes */", n, size)
  f:say("memset(%s, 'A', %d);", n, size)
  f:want(("A"):rep(size))
end

function parameters.out_text(f, n)
  local room = random(2, 9)
  local text = ("abcdefgh"):sub(1, random(0, room - 1))
  f:add("char %s[%d] /* out */", n, room)
  f:say('strcpy(%s, "%s");', n, text)
  f:want(text)
end

function parameters.out_bytes(f, n)
  local room = random(0, 20)
  local used = random(0, room)
  f:add("unsigned char *%s /* out bytes */", n)
  f:add("%s *n%s /* length of %s */", pick { "size_t", "unsigned long", "int", "unsigned int" }, n, n)
  f:say('LOG("%%lld,", (long long)*n%s); if (%d) memset(%s, \'B\', %d); *n%s = %d;', n, used, n, used, n, used)
  f:give(room, room .. ",", -1, "x")
  f:want(("B"):rep(used))
end

local KINDS = {}
for name in pairs(parameters) do KINDS[#KINDS + 1] = name end
table.sort(KINDS)

-- The type of what it returns; that is the first of its results.
local function returns(f)
  local turn = random(5)
  if turn == 1 then return "void" end
  if turn == 2 then
    local t = pick(INTEGERS)
    local v = integer(t)
    table.insert(f.results, 1, v)
    return t[1], "return " .. constant(t, v) .. ";"
  end
  local kind = ({ double = { 0.5, "0.5" }, bool = { true, "true" }, ["enum Colour"] = { 5, "GREEN" } })
  local name = ({ "double", "bool", "enum Colour" })[turn - 2]
  table.insert(f.results, 1, kind[name][1])
  return name, "return " .. kind[name][2] .. ";"
end

local function new_function(i)
  local f = setmetatable({ parameters = {}, body = {}, args = {}, log = {}, results = {}, wrong = {}, name = "f" .. i }, F)
  for j = 1, random(0, 6) do parameters[pick(KINDS)](f, "p" .. j) end
  local result, last = returns(f)
  f:say("%s", last or "")
  f.text = ("%s f%d(%s)"):format(result, i, f.parameters[1] and table.concat(f.parameters, pick { ", ", ",\n    " }) or "void")
  f.options = pick { "", "/* gil */\n", "/* nogil */\n", ("/* name: renamed%d */\n"):format(i) }
  f.name = f.options:match "name: (%w+)" or f.name
  return f
end

local header = { '#include "known.h"', "/* module: oracle */", "enum Colour { RED, GREEN = 5, BLUE };", "/* free: nobody */", "const char *written(void);" }
local known = { [[
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
enum Colour { RED, GREEN = 5, BLUE };
static char text[4096];
static inline const char *written(void) { return text; }
#define LOG(...) at += snprintf(text + at, sizeof text - at, __VA_ARGS__)]] }
local functions = {}
for i = 1, 25 do
  local f = new_function(i)
  functions[i] = f
  header[#header + 1] = f.options .. f.text .. ";"
  known[#known + 1] = ("static inline %s { size_t at = 0; text[at] = 0; %s }"):format(f.text:gsub("/%*.-%*/", ""), table.concat(f.body, "\n  "))
end

local function write(name, lines)
  local f <close> = assert(io.open(dir .. "/" .. name, "w"))
  f:write(table.concat(lines, "\n"), "\n")
end
write("known.h", known)
write("oracle.h", header)
assert(os.execute(("'%s' bind %s/oracle.h -o %s/oracle.c"):format(gilua, dir, dir)))
assert(os.execute(("cc -w -shared -fPIC -I%s %s/oracle.c %s -o %s/oracle.so"):format(dir, dir, os.getenv "CC_WORDS", dir)))
package.cpath = dir .. "/?.so"
local module = require "oracle"

local function show(v)
  if type(v) ~= "table" then return math.type(v) and math.type(v) .. " " .. tostring(v) or ("%s '%s'"):format(type(v), tostring(v)) end
  local out = {}
  for i = 1, #v do out[i] = show(v[i]) end
  return "{" .. table.concat(out, ", ") .. "}"
end

local failed = 0
local function check(f, ok, what, ...)
  if ok then return end
  failed = failed + 1
  print(("%s: %s\n  %s"):format(what:format(...), f.text, show(f.args)))
end

for _, f in ipairs(functions) do
  local call = module[f.name]
  local got = table.pack(pcall(call, table.unpack(f.args)))
  check(f, got[1], "raises %s", got[2])
  check(f, show { table.unpack(got, 2, got.n) } == show(f.results), "gives %s, not %s", show { table.unpack(got, 2, got.n) }, show(f.results))
  check(f, module.written() == table.concat(f.log), "gets %s, not %s", module.written(), table.concat(f.log))
  for _, wrong in ipairs(f.wrong) do
    local args = { table.unpack(f.args) }
    args[wrong[1]] = wrong[2]
    local ok, text = pcall(call, table.unpack(args, 1, #f.args))
    check(f, not ok and text:find(("bad argument #%d to 'oracle.%s'"):format(wrong[1], f.name), 1, true), "argument %d as %s: %s", wrong[1],
      show(wrong[2]), tostring(text))
  end
end
print(failed == 0 and "fine" or "seed " .. seed)
os.exit(failed == 0)
