-- Cuts the text of a header into includes, directives and statements, each with its place.
local scan = {}

function scan.trim(s) return (s:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- Splits at commas that are in no comment and no brackets.
function scan.split(text)
  local parts, depth, from, i = {}, 0, 1, 1
  while i <= #text do
    local c = text:sub(i, i)
    if text:sub(i, i + 1) == "/*" then i = select(2, text:find("*/", i + 2, true)) or #text
    elseif c:find "[%(%[{]" then depth = depth + 1
    elseif c:find "[%)%]}]" then depth = depth - 1
    elseif c == "," and depth == 0 then parts[#parts + 1], from = text:sub(from, i - 1), i + 1 end
    i = i + 1
  end
  parts[#parts + 1] = text:sub(from)
  return parts
end

-- Where the statement that begins at i ends: the place of its ";".
local function statement_end(text, i, fail)
  local depth = 0
  while i <= #text do
    local c = text:sub(i, i)
    if text:sub(i, i + 1) == "/*" then
      i = select(2, text:find("*/", i + 2, true)) or fail "a comment does not end"
    elseif c == "(" or c == "{" then depth = depth + 1
    elseif c == ")" or c == "}" then depth = depth - 1
    elseif c == ";" and depth == 0 then return i end
    i = i + 1
  end
  fail "a ';' is missing"
end

-- The line on which what begins at i ends, with lines that go on behind a backslash.
local function line_end(text, i)
  local stop = text:find("\n", i, true) or #text + 1
  while text:sub(stop - 1, stop - 1) == "\\" do stop = text:find("\n", stop + 1, true) or #text + 1 end
  return stop
end

-- Text without what stands behind //, but in comments.
local function strip(text)
  local out, i = {}, 1
  while true do
    local at = text:find("/[/*]", i)
    if not at then break end
    local stop
    if text:sub(at + 1, at + 1) == "/" then
      stop = (text:find("\n", at, true) or #text + 1) - 1
      out[#out + 1] = text:sub(i, at - 1)
    else
      stop = select(2, text:find("*/", at + 2, true)) or #text
      out[#out + 1] = text:sub(i, stop)
    end
    i = stop + 1
  end
  return table.concat(out) .. text:sub(i)
end

-- Calls f(kind, value, fail, comments) for each: "include", the line; "directive", {key, value}; "statement", its text, with
-- the comments just before it. A comment of its own is a directive, or text for readers if it has several lines or begins
-- with /**.
function scan.each(text, file, f, directives)
  text = strip(text:gsub("\r", ""))
  local i, comments = 1, {}
  local function fail_at(at)
    local line = select(2, text:sub(1, at):gsub("\n", "")) + 1
    return function(what) error(("%s:%d: %s"):format(file, line, what), 0) end
  end
  local function alone() -- the comments before belong to nothing
    for _, c in ipairs(comments) do
      if not c.prose then
        fail_at(c.at)("cannot read '/*" .. c.text .. "*/': it is no directive (there are: module, prefix, handle, type) and " ..
          "stands before no prototype; text for readers stands behind //")
      end
    end
    comments = {}
  end
  while true do
    local blank, stop = text:match("^%s*()", i), nil
    if select(2, text:sub(i, blank - 1):gsub("\n", "")) > 1 then alone() end
    i = blank
    local fail = fail_at(i)
    if i > #text then return alone() end
    if text:sub(i, i + 1) == "/*" then
      stop = select(2, text:find("*/", i + 2, true)) or fail "a comment does not end"
      local inner = text:sub(i + 2, stop - 2)
      local key, value = inner:match("^%s*(%a+)%s*:%s*(.-)%s*$")
      if directives[key] then
        f("directive", { key = key, value = value }, fail)
      else
        comments[#comments + 1] = { text = inner, at = i, prose = inner:find "^[%*!]" or inner:find "\n" }
      end
    elseif text:sub(i, i) == "#" then
      stop = line_end(text, i)
      local line = text:sub(i, stop - 1)
      if not line:match "^#%s*include%s" then fail("'" .. scan.trim(line) .. "': of the preprocessor only #include is read") end
      alone()
      f("include", line, fail)
    else
      stop = statement_end(text, i, fail)
      local texts = {}
      for _, c in ipairs(comments) do texts[#texts + 1] = not c.text:find "^[%*!]" and c.text or nil end
      comments = {}
      f("statement", text:sub(i, stop - 1), fail, texts)
    end
    i = stop + 1
  end
end

return scan
