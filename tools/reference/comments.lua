-- The comments that say what a script can call: the first of each lib_*.c. For the reference and for editors.
local comments = {}

-- Which file tells of what, in the order of the page.
local list = {
  { "gilua", "lib_gilua" },
  { "gilua.threading", "lib_threading", "lib_lock", "lib_condition", "lib_event", "lib_semaphore", "lib_barrier" },
  { "gilua.queue", "lib_queue", "lib_priority_queue" },
  { "gilua.time", "lib_time" },
  { "gilua.futures", "lib_futures", "lib_executor", "lib_future", "lib_process", "lib_gearman" },
  { "gilua.multiprocessing", "lib_multiprocessing", "lib_pool", "lib_child", "lib_current", "lib_shared_queue", "lib_pipe",
    "lib_shared_lock", "lib_shared_event", "lib_shared_condition", "lib_shared_value", "lib_shared_array" },
  { "gilua.signal", "lib_signal" },
  { "gilua.pickle", "lib_pickle" },
  { "gilua.gil", "lib_gil", "lib_counters", "lib_trace" },
  { "gilua.schedule", "lib_schedule" },
  { "gilua.native", "lib_native", "lib_buffer", "lib_array", "lib_digest", "lib_compress", "lib_experiment" },
  { "gilua.ctypes", "lib_ctypes" },
  { "gilua.socket", "lib_socket", "lib_connect", "lib_method", "lib_stream", "lib_datagram", "lib_tls", "lib_select", "lib_dns" },
  { "io, os, print, package", "lib_file", "lib_io", "lib_command", "lib_print", "lib_load", "lib_search", "lib_require" },
  { "coroutine, debug", "lib_coroutine", "lib_debug" },
}
local left_out = { lib_thread = true, lib_map = true, lib_worker = true } -- their synopses stand in lib_threading and lib_executor

function comments.read(root, path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read("a")
end

-- name -> path of every lib_*.c.
local function libraries(root)
  local found = {}
  for path in io.popen("cd '" .. root .. "' && find -L interp pool runtime -name 'lib_*.c'"):lines() do
    found[path:match("([^/]+)%.c$")] = path
  end
  return found
end

-- The modules in order: { name =, { name = of the file, comment = }, … }.
function comments.modules(root)
  local found, modules = libraries(root), {}
  for _, entry in ipairs(list) do
    local module = { name = entry[1] }
    for i = 2, #entry do
      local path = assert(found[entry[i]], "there is no file " .. entry[i] .. ".c: mend the list in tools/reference")
      found[entry[i]] = nil
      local comment = assert(comments.read(root, path):match("/%*%s*(.-)%s*%*/"), path .. " does not begin with a comment")
      module[#module + 1] = { name = entry[i], comment = comment }
    end
    modules[#modules + 1] = module
  end
  for name, path in pairs(found) do
    assert(left_out[name], path .. " is not in the reference: name it in the list in tools/reference")
  end
  return modules
end

-- The text of a comment, its lines without the stars in front of them.
function comments.lines(comment)
  local lines = {}
  for line in (comment .. "\n"):gmatch("(.-)\n") do
    if line:find("^ %* States") then break end -- a protocol is for who reads the code
    lines[#lines + 1] = (line:gsub("^%s*%* ?", ""):gsub("%s+$", ""))
  end
  while lines[#lines] == "" do lines[#lines] = nil end
  return lines
end

return comments
