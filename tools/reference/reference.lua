-- Makes the reference of the interfaces from the comments in the code.
--
--   lua5.4 tools/reference/reference.lua [ROOT] > docs/reference.md
--
-- Of a Lua module: the first comment of its lib_*.c; indented lines are the synopsis. Of C: each comment of the public
-- headers that stands before a declaration.
local root = arg[1] or "."

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local comments = require "comments"
local lines_of, read = comments.lines, function(path) return comments.read(root, path) end

local headers = { "interp/gilua.h", "interp/gilua_native.h" }
-- Indented lines become blocks of code, the others stay.
local function as_markdown(comment, language)
  local out, code = {}, false
  for _, line in ipairs(lines_of(comment)) do
    local indented = line:match("^  +.") and line:gsub("^  ", "")
    if indented and not code then
      if out[#out] ~= "" and #out > 0 then out[#out + 1] = "" end
      out[#out + 1] = "```" .. language
      code = true
    elseif not indented and code and line ~= "" then
      while out[#out] == "" do out[#out] = nil end
      out[#out + 1] = "```"
      out[#out + 1] = ""
      code = false
    end
    out[#out + 1] = code and (indented or "") or line
  end
  if code then out[#out + 1] = "```" end
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"))
end

local function lua_part(put)
  for _, module in ipairs(comments.modules(root)) do
    put("## " .. module.name .. "\n")
    for _, library in ipairs(module) do put(as_markdown(library.comment, "text") .. "\n") end
  end
end

-- What is declared behind a comment, without the bodies of functions; nil if that is not for users.
local function declaration(code)
  local type = code:match("^%s*(typedef struct gilua_[^;{]*{.-\n}[^;]*;)") or code:match("^%s*(enum {.-\n};)")
  if type then return type end
  local heads = {}
  for line in code:gmatch("[^\n]+") do
    local head = line:match("^#define (GILUA_%u+%b())") or line:match("^static inline (.* %*?gilua_%w.*%))%s*{") or
      line:match("^(%w.* %*?[%w_]*gilua_?%w*.*%));$")
    if head and not head:find("_%(") then heads[#heads + 1] = head .. (line:find("^#") and "" or ";") end
  end
  return #heads > 0 and table.concat(heads, "\n") or nil
end

local function c_part(put)
  for _, path in ipairs(headers) do
    put("## " .. path:match("[^/]+$") .. "\n")
    local intro, rest = read(path):match("^/%*%s*(.-)%s*%*/(.*)$")
    put(as_markdown(intro, "c") .. "\n")
    -- Pieces begin with a comment at the beginning of a line.
    for comment, code in (rest:gsub("\n/%*", "\n\0/*") .. "\0"):gmatch("%z/%*%s*(.-)%s*%*/([^%z]*)") do
      local declared = declaration(code)
      if declared then put("```c\n" .. declared .. "\n```\n\n" .. as_markdown(comment, "c") .. "\n") end
    end
  end
end

local out = {}
local function put(text) out[#out + 1] = text end
put("# Reference\n")
put("Made by `lua5.4 tools/reference/reference.lua > docs/reference.md` from the comments in the code; edit those.\n")
put("# Lua\n")
lua_part(put)
put("# C\n")
c_part(put)
io.write((table.concat(out, "\n"):gsub("\n\n\n+", "\n\n")))
