-- Makes the reference of the interfaces from the comments in the code.
--
--   lua5.4 tools/reference/reference.lua [ROOT] > docs/reference.md
--
-- Of a Lua module: the first comment of its lib_*.c; indented lines are the synopsis. Of C: each comment of the public
-- headers that stands before a declaration.
local root = arg[1] or "."

-- Which file tells of what, in the order of the page.
local modules = {
  { "gilua", "lib_gilua" },
  { "gilua.threading", "lib_threading", "lib_lock", "lib_condition", "lib_event", "lib_semaphore", "lib_barrier" },
  { "gilua.queue", "lib_queue", "lib_priority_queue" },
  { "gilua.time", "lib_time" },
  { "gilua.futures", "lib_futures", "lib_executor", "lib_future", "lib_process" },
  { "gilua.multiprocessing", "lib_multiprocessing", "lib_pool", "lib_child", "lib_current", "lib_shared_queue", "lib_pipe",
    "lib_shared_lock", "lib_shared_event", "lib_shared_condition", "lib_shared_value", "lib_shared_array" },
  { "gilua.pickle", "lib_pickle" },
  { "gilua.gil", "lib_gil", "lib_trace" },
  { "gilua.native", "lib_native", "lib_buffer", "lib_array", "lib_digest", "lib_compress", "lib_experiment" },
  { "gilua.ctypes", "lib_ctypes" },
  { "gilua.socket", "lib_socket", "lib_connect", "lib_method", "lib_select", "lib_dns" },
  { "io, os, print, package", "lib_file", "lib_io", "lib_command", "lib_print", "lib_load", "lib_search", "lib_require" },
  { "coroutine, debug", "lib_coroutine", "lib_debug" },
}
local headers = { "interp/gilua.h", "interp/gilua_native.h" }
local left_out = { lib_thread = true, lib_map = true } -- their synopses stand in lib_threading and lib_executor

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read("a")
end

-- name -> path of every lib_*.c.
local function libraries()
  local found = {}
  for path in io.popen("cd '" .. root .. "' && find interp pool runtime -name 'lib_*.c'"):lines() do
    found[path:match("([^/]+)%.c$")] = path
  end
  return found
end

-- The text of a comment, its lines without the stars in front of them.
local function lines_of(comment)
  local lines = {}
  for line in (comment .. "\n"):gmatch("(.-)\n") do
    if line:find("^ %* States") then break end -- a protocol is for who reads the code
    lines[#lines + 1] = (line:gsub("^%s*%* ?", ""):gsub("%s+$", ""))
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

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
  local found = libraries()
  for _, module in ipairs(modules) do
    put("## " .. module[1] .. "\n")
    for i = 2, #module do
      local path = assert(found[module[i]], "there is no file " .. module[i] .. ".c: mend the list in tools/reference")
      found[module[i]] = nil
      local comment = assert(read(path):match("/%*%s*(.-)%s*%*/"), path .. " does not begin with a comment")
      put(as_markdown(comment, "text") .. "\n")
    end
  end
  for name, path in pairs(found) do
    assert(left_out[name], path .. " is not in the reference: name it in the list in tools/reference")
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
