-- Makes what editors with the Lua language server read: a file of annotations for each module, from the comments in the code.
--
--   lua5.4 tools/reference/annotations.lua ROOT DIR      writes DIR/threading.lua …
--
-- A call in a synopsis, `name(a [, b]) -> result`, becomes a function with its parameters; the comment is its module's text.
local root, dir = arg[1] or ".", arg[2] or "."
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local comments = require "comments"
local modules = comments.modules(root)

-- Whose methods are called by that name in a file's synopsis.
local receivers = {
  lib_threading = { t = "gilua.Thread" },
  lib_lock = { lock = "gilua.Lock" },
  lib_condition = { cond = "gilua.Condition" },
  lib_event = { event = "gilua.Event" },
  lib_semaphore = { sem = "gilua.Semaphore" },
  lib_barrier = { barrier = "gilua.Barrier" },
  lib_queue = { q = "gilua.Queue" },
  lib_executor = { pool = "gilua.Executor" },
  lib_future = { f = "gilua.Future" },
  lib_pool = { pool = "gilua.Pool", result = "gilua.AsyncResult" },
  lib_child = { p = "gilua.Process" },
  lib_buffer = { b = "gilua.Buffer" },
  lib_connect = { tcp = "gilua.socket.Stream", udp = "gilua.socket.Datagram" },
  lib_method = { tcp = "gilua.socket.Stream", udp = "gilua.socket.Datagram" },
  lib_stream = { tcp = "gilua.socket.Stream" },
  lib_datagram = { udp = "gilua.socket.Datagram" },
  lib_ctypes = { libm = "gilua.ctypes.Library", cb = "gilua.ctypes.Callback" },
}

-- What a word in a synopsis says of a result's type, and what constructors make; of others nothing is said.
local types = {
  boolean = "boolean", string = "string", integer = "integer", number = "number", seconds = "number", list = "table",
  iterator = "function", Thread = "gilua.Thread", started = "gilua.Thread", Future = "gilua.Future",
  AsyncResult = "gilua.AsyncResult", tcp = "gilua.socket.Stream", udp = "gilua.socket.Datagram",
}
local parents = { ["gilua.Condition"] = "gilua.Lock" }
local made = {
  Thread = "Thread", Timer = "Thread", Lock = "Lock", RLock = "Lock", Condition = "Condition", Event = "Event",
  Semaphore = "Semaphore", BoundedSemaphore = "Semaphore", Barrier = "Barrier", Queue = "Queue", LifoQueue = "Queue",
  SimpleQueue = "Queue", PriorityQueue = "Queue", ThreadPoolExecutor = "Executor", ProcessPoolExecutor = "Executor",
  Future = "Future", Pool = "Pool", Process = "Process", buffer = "Buffer", shared_array = "Buffer",
  load = "ctypes.Library", callback = "ctypes.Callback",
}

-- The parameters in "(a, b [, c = 1])", each { name =, optional = }; those in braces are one table.
local function parameters(text)
  if text:sub(1, 1) == "{" then return { { name = "options", optional = text:find "^{%[" ~= nil } } end
  local list, optional, seen = {}, false, {}
  text = text:gsub('"[^"]*"', "name", 1):gsub('"[^"]*"', "type", 1):gsub('{"[^"]*"}', "types") -- examples of values
  for piece in (text:sub(2, -2):gsub("%b{}", "options") .. ","):gmatch("(.-),") do
    if piece:find "^%s*%[" then optional = true end
    local name = piece:match("%.%.%.") or piece:match("[%a_][%w_]*")
    if name and not seen[name] and name ~= "function" and name ~= "end" then
      list[#list + 1] = { name = name, optional = optional or piece:find "=" ~= nil or piece:find "^%s*options" ~= nil }
      seen[name] = true
    end
    if piece:find "%[" then optional = true end
    if name == "..." then break end
  end
  return list
end

-- Calls show(prefix, separator, name, arguments, result, line) for each call in a comment's synopsis.
local function each_call(comment, show)
  for number, line in ipairs(comments.lines(comment)) do
    local synopsis = number == 1 or line:find "^  " or line:find "^%a+%.%a[%w_]*[({]"
    for prefix, separator, name, from in (synopsis and line or ""):gmatch "%f[%w_]([%w_]*)([.:]?)([%a_][%w_]*)()%f[({]" do
      local arguments = line:match("^%b()", from) or line:match("^%b{}", from) or line:match("^{", from) -- goes on below
      if arguments and not line:find "^%s*for " then
        local result = line:sub(from + #arguments):match "^%s*%->%s*(.*)" or ""
        if separator == "" then prefix, name = "", prefix .. name end
        show(prefix, separator, name, arguments, result:gsub("   .*", ""), line)
      end
    end
  end
end

local function result_type(name, result)
  if made[name] then return "gilua." .. made[name] end
  local type = types[result:match "^%a+" or ""]
  return type and result:find "or nil" and type .. "?" or type or result ~= "" and "any" or nil
end

-- The lines of one function; owner is what stands before its name, with the separator.
local function declare(put, owner, name, arguments, result)
  local names = {}
  put("---`" .. name .. arguments .. (result ~= "" and " -> " .. result or "") .. "`")
  for _, p in ipairs(parameters(arguments)) do
    names[#names + 1] = p.name
    put("---@param " .. p.name .. (p.optional and p.name ~= "..." and "?" or "") .. " any")
  end
  local type = result_type(name, result)
  if type then put("---@return " .. type .. (result == "values" and " ..." or "")) end
  put("function " .. owner .. name .. "(" .. table.concat(names, ", ") .. ") end\n")
end

local function put_text(put, comment)
  for _, line in ipairs(comments.lines(comment)) do put("---" .. line) end
end

-- Classes and their methods, in the order of the comments.
local function put_classes(put, module)
  local done = {}
  for _, library in ipairs(module) do
    local comment = library.comment:gsub("(%f[%w_]%w+:%a[%w_]*)%f[^%w_(]", "%1(...)") -- of some only the names are told
    each_call(comment, function(prefix, separator, name, arguments, result)
      local class = separator == ":" and (receivers[library.name] or {})[prefix]
      if not class then return end
      local variable = class:match "[^.]+$"
      if not done[class] then
        put_text(put, library.comment)
        put("---@class " .. class .. (parents[class] and " : " .. parents[class] or "") .. "\n---@field [string] any\nlocal " .. variable .. " = {}\n")
        done[class] = {}
      end
      if done[class][name] then return end
      done[class][name] = true
      declare(put, variable .. ":", name, arguments, result)
    end)
  end
end

-- Whether a name alone is a function of the module: in a line of code, or a constructor in the first sentence.
local function stands_alone(name, line)
  if #name == 1 or line:find("%->.*" .. name) or line:find("<close>: " .. name, 1, true) then return false end
  return line:find "^  " ~= nil or name:find "^%u" ~= nil
end

local function put_module(put, module, short)
  local done = {}
  put_text(put, module[1].comment)
  put("---@class " .. module.name)
  if short == "gilua" then
    for _, part in ipairs(modules) do
      local field = part.name:match "^gilua%.([%w_]+)$"
      if field then
        put("---@field " .. field .. " " .. part.name)
        done[field] = true
      end
    end
  end
  put "local M = {}\n"
  for _, library in ipairs(module) do
    each_call(library.comment, function(prefix, separator, name, arguments, result, line)
      local ours = prefix == short and separator == "." or separator == "" and stands_alone(name, line)
      if not ours or done[name] then return end
      done[name] = true
      declare(put, "M.", name, arguments, result)
    end)
  end
  for _, library in ipairs(module) do
    for name in library.comment:gmatch("%f[%w_]" .. short .. "%.([%a_][%w_]*)%f[^%w_({]") do
      if not done[name] then put("---@type any\nM." .. name .. " = nil\n") end
      done[name] = true
    end
  end
  put "return M"
end

for _, module in ipairs(modules) do
  local short = module.name:match "^gilua%.?([%w_]*)$"
  if short == "" then short = "gilua" end
  if short then
    local out = {}
    local function put(text) out[#out + 1] = text end
    put("---@meta " .. module.name .. "\n-- Made by tools/reference/annotations.lua.\n")
    put_classes(put, module)
    put_module(put, module, short)
    local file <close> = assert(io.open(dir .. "/" .. short .. ".lua", "w"))
    file:write((table.concat(out, "\n"):gsub("\n\n\n+", "\n\n")), "\n")
  end
end
