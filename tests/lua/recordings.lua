-- Recordings as tests read them: the files of gil.trace and --trace, and their events.
local t = require "testing"
local gil = require "gilua.gil"

-- A strict reader of JSON: an error where a reader of these files might give up, too. Where there is one in C, that: it is
-- faster.
local found, cjson = pcall(require, "cjson")
local function parse(text)
  if found then return cjson.decode(text) end
  local at = 1
  local function fail(what) error(what .. " at byte " .. at .. ": " .. text:sub(at, at + 40), 0) end
  local function skip() at = text:find("%S", at) or #text + 1 end
  local function take(pattern)
    local from, to, value = text:find("^(" .. pattern .. ")", at)
    if not from then fail("no " .. pattern) end
    at = to + 1
    return value
  end
  local function string_value()
    take '"'
    local from = at
    while true do
      take '[^%c"\\]*'
      if take '["\\]' == '"' then break end
      if take '["\\/bfnrtu]' == "u" then take "%x%x%x%x" end
    end
    return (text:sub(from, at - 2):gsub("\\u(%x%x%x%x)", function(x) return utf8.char(tonumber(x, 16)) end))
  end
  local value
  local function members(close, member)
    take "."
    skip()
    if text:sub(at, at) == close then take "." return end
    repeat
      skip()
      member()
      skip()
      local c = take "[,%]}]"
      if c ~= "," and c ~= close then fail("no " .. close) end
    until c == close
  end
  function value()
    skip()
    local c, out = text:sub(at, at), {}
    if c == '"' then return string_value() end
    if c == "[" then members("]", function() out[#out + 1] = value() end) return out end
    if c ~= "{" then return tonumber(take "%-?%d+%.?%d*") end
    members("}", function()
      local key = string_value()
      skip()
      take ":"
      out[key] = value()
    end)
    return out
  end
  local all = value()
  skip()
  if at <= #text then fail("something behind the end") end
  return all
end

local function read(path)
  local f <close> = assert(io.open(path))
  return f:read("a")
end

-- A file's name, to be closed: then it is removed.
local function temporary(extension)
  local path = os.tmpname()
  os.remove(path)
  return setmetatable({ path = path .. extension }, { __close = function(self) os.remove(self.path) end })
end

-- Records f() as JSON; the list of events.
local function record(f)
  local file <close> = temporary ".json"
  t.equal(gil.trace(file.path), true)
  local ok, err = pcall(f)
  t.equal(gil.trace(), true)
  assert(ok, err)
  return parse(read(file.path))
end

local function select_events(events, want)
  local out = {}
  for _, e in ipairs(events) do
    local all = true
    for k, v in pairs(want) do all = all and e[k] == v end
    if all then out[#out + 1] = e end
  end
  return out
end

-- The rules of the format: every event has what its phase needs, and the spans of a row do not overlap.
local function check_rules(events)
  local last, named = {}, {}
  for _, e in ipairs(events) do
    t.equal(type(e.name), "string")
    t.equal(math.type(e.pid) ~= nil and math.type(e.tid) ~= nil, true, "pid and tid")
    if e.ph == "M" then
      t.equal(type(e.args.name), "string")
      named[e.tid] = true
    elseif e.ph == "X" then
      t.near(e.ts, 0, 1e15, "ts")
      t.near(e.dur, 0, 1e15, "dur")
      t.equal(named[e.tid], true, "a row has its name before its events")
      if e.ts < (last[e.tid] or 0) - 0.0005 then error(string.format("spans of row %d overlap at %f", e.tid, e.ts)) end
      last[e.tid] = e.ts + e.dur
    elseif e.ph == "i" then
      t.equal(e.s == "t" or e.s == "g", true, "scope")
      t.near(e.ts, 0, 1e15, "ts")
    else
      error("unknown phase " .. tostring(e.ph))
    end
  end
end

-- The spans of a row in order of time; they do not overlap.
local function row(events, tid)
  local spans = select_events(events, { ph = "X", tid = tid })
  table.sort(spans, function(a, b) return a.ts < b.ts end)
  for i = 2, #spans do t.near(spans[i].ts, spans[i - 1].ts + spans[i - 1].dur - 0.0015, 1e15) end
  return spans
end

-- Rows whose names match, by tid.
local function rows_named(events, pattern)
  local out = {}
  for _, e in ipairs(events) do
    if e.ph == "M" and e.name == "thread_name" and e.args.name:find(pattern) then out[#out + 1] = e end
  end
  return out
end

return {
  parse = parse,
  read = read,
  temporary = temporary,
  record = record,
  select_events = select_events,
  check_rules = check_rules,
  row = row,
  rows_named = rows_named,
}
