-- The manuals and the code name the same things: options, methods, fields, functions, kinds of errors, the program's options.
local t = require "testing"
local gilua = require "gilua"
local root = os.getenv "TEST_ROOT"

local function read(path)
  local file <close> = assert(io.open(root .. "/" .. path))
  return file:read "a"
end

-- What a manual shows as code.
local function code_of(path)
  local page, code = read(path), {}
  local text = page:gsub("```%w*\n(.-)```", function(block)
    code[#code + 1] = block
    return ""
  end)
  for span in text:gmatch "``?([^`]+)``?" do code[#code + 1] = span end
  return table.concat(code, "\n")
end

local function names(text, name) return text:find("%f[%w_]" .. name:gsub("%-", "%%-") .. "%f[^%w_]") ~= nil end

local function all_in(text, list, where)
  local missing = {}
  for _, name in ipairs(list) do
    if not names(text, name) then missing[#missing + 1] = name end
  end
  assert(#missing == 0, where .. " does not name " .. table.concat(missing, ", "))
end

-- --- options: which files read those of which manual

local files = {
  ["docs/threading.md"] = { "runtime/thread/lib_threading.c" },
  ["docs/ctypes.md"] = { "runtime/native/lib_ctypes.c", "runtime/native/foreign.c" },
  ["docs/native.md"] = { "runtime/native/lib_compress.c" },
  ["docs/futures.md"] = { "pool/process/lib_process.c", "pool/futures/thread_backend.c", "pool/futures/lib_futures.c",
    "pool/futures/lib_map.c", "pool/futures/lib_executor.c" },
  ["docs/gearman.md"] = { "pool/gearman/lib_gearman.c" },
  ["docs/multiprocessing.md"] = { "pool/multiprocessing/lib_child.c", "pool/multiprocessing/lib_pool.c" },
  ["docs/schedules.md"] = { "interp/lib_schedule.c" },
  ["docs/pickle.md"] = { "pool/pickle/lib_pickle.c" },
}

local reference = read "docs/reference.md"

for manual, sources in pairs(files) do
  local known = {}
  for _, source in ipairs(sources) do
    for name in read(source):gmatch '{"([%w_]+)", OPTION_' do known[#known + 1] = name end
  end
  t.test(manual .. " and the reference name every option", function()
    assert(#known > 0, "no options are found")
    all_in(code_of(manual), known, manual)
    all_in(reference, known, "the reference")
  end)
  t.test(manual .. " names no option that does not exist", function()
    for field in code_of(manual):gmatch "[%w_]+{%s*([%w_]+) = " do
      if field ~= "x" then all_in(table.concat(known, " "), { field }, "the code") end
    end
  end)
end

-- --- objects: their methods and fields

local manual_of = { ["Future.dropping"] = "futures", Queue = "queue", LifoQueue = "queue", SimpleQueue = "queue", PriorityQueue = "queue", Future = "futures",
  ThreadPoolExecutor = "futures", ProcessPoolExecutor = "futures", GearmanExecutor = "futures", Pool = "multiprocessing", AsyncResult = "multiprocessing",
  Process = "multiprocessing", buffer = "native" }

-- One object of each type, so that their metatables are there.
local pool = gilua.multiprocessing.Pool(1)
local kept = { pool, pool:apply_async(print), gilua.multiprocessing.Process { target = print }, gilua.native.buffer("u8", 1),
  gilua.futures.ThreadPoolExecutor(1), gilua.futures.Future(), gilua.threading.Timer(1, print), gilua.ctypes.load() }
for _, name in ipairs { "Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore" } do
  kept[#kept + 1] = gilua.threading[name]()
end
kept[#kept + 1] = gilua.threading.Barrier(1)
for _, name in ipairs { "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue" } do kept[#kept + 1] = gilua.queue[name]() end
pool:terminate()

for key, mt in pairs(debug.getregistry()) do
  local type_name = type(key) == "string" and type(mt) == "table" and key:match "^gilua%.([%w.]+)$"
  local methods = type_name and mt.__index
  if type(methods) == "function" then
    local first, value = debug.getupvalue(methods, 1)
    methods = first and value
  end
  if type(methods) == "table" and mt.__name then
    local manual = ("docs/%s.md"):format(manual_of[type_name] or type_name:match "^(ctypes)" or "threading")
    t.test(manual .. " names the methods and fields of a " .. type_name, function()
      local list = {}
      for name in pairs(methods) do
        if not name:find "^_" then list[#list + 1] = name end
      end
      for _, object in ipairs(kept) do
        if debug.getmetatable(object) == mt and mt.__fields then
          for name in pairs(mt.__fields(object)) do list[#list + 1] = name end
        end
      end
      all_in(code_of(manual), list, manual)
    end)
  end
end

-- --- modules: their functions

for _, module in ipairs { "ctypes", "futures", "gil", "multiprocessing", "native", "pickle", "queue", "schedule", "signal", "threading" } do
  local page = module == "schedule" and "schedules" or module
  t.test("docs/" .. page .. ".md names everything in gilua." .. module, function()
    local list = {}
    for name in pairs(gilua[module]) do
      if type(name) == "string" and not name:find "^_" then list[#list + 1] = name end
    end
    all_in(code_of("docs/" .. page .. ".md"), list, page .. ".md")
  end)
end

t.test("docs/runtime.md names everything in gilua.time, gilua.gil and gilua", function()
  local list = {}
  for _, module in ipairs { "time", "gil" } do
    for name in pairs(gilua[module]) do list[#list + 1] = name end
  end
  for name, value in pairs(gilua) do
    if type(value) == "function" then list[#list + 1] = name end
  end
  all_in(code_of "docs/runtime.md" .. code_of "docs/gil.md", list, "runtime.md")
end)

-- Every `name(…)` of a manual's tables is a function of its module, a method of some object, or of Lua.
t.test("manuals name no function that does not exist", function()
  local there = {}
  local function add(names_of)
    for name, value in pairs(names_of) do
      if type(name) == "string" then there[name] = value end
    end
  end
  for _, module in ipairs { "ctypes", "futures", "gil", "multiprocessing", "native", "pickle", "queue", "signal", "threading", "time",
    "socket" } do
    local ok, m = pcall(function() return gilua[module] end)
    if ok then add(m) end
  end
  for _, library in pairs(package.loaded) do
    if type(library) == "table" then add(library) end
  end
  for _, mt in pairs(debug.getregistry()) do
    local methods = type(mt) == "table" and mt.__index
    if type(methods) == "function" then
      local _, value = debug.getupvalue(methods, 1)
      methods = value
    end
    if type(methods) == "table" then add(methods) end
  end
  for _, module in ipairs { "ctypes", "futures", "gil", "multiprocessing", "native", "pickle", "queue", "threading", "runtime" } do
    for row in read("docs/" .. module .. ".md"):gmatch "\n| (`[^|]*) |" do
      for name in row:gmatch "`([%a_][%w_]*)%(" do
        assert(there[name], ("docs/%s.md: there is no %s"):format(module, name))
      end
    end
  end
end)

-- What pages write as `module.name` is there.
t.test("documents name nothing of a module that it does not have", function()
  local modules, preload = {}, {}
  for name in pairs(package.preload) do preload[#preload + 1] = name end
  for _, name in ipairs(preload) do
    local module = name:match "^gilua%.(%l+)$"
    if module and module ~= "socket" then modules[module] = gilua[module] end -- socket: LuaSocket's, whose modules are required, too
  end
  local ls <close> = io.popen(("cd '%s' && ls README.md docs/*.md"):format(root))
  for page in ls:lines() do
    local text = read(page):gsub("```python.-```", "")
    if page == "docs/coming_from_python.md" then text = text:gsub("\n|[^|\n]*|", "\n|") end -- Python's column
    if page ~= "docs/reference.md" then
      for module, name in text:gmatch "%f[%w_./](%l+)%.([%a_][%w_]*)" do
        if modules[module] and name ~= "md" and name ~= "lua" then
          assert(modules[module][name] ~= nil, page .. ": there is no " .. module .. "." .. name)
        end
      end
    end
  end
end)

t.test("the README names every manual, script and example", function()
  local readme, ls <close> = read "README.md", io.popen(("cd '%s' && ls docs/*.md scripts/*.lua examples/*.c examples/*.lua"):format(root))
  local missing = {}
  for name in ls:lines() do
    if not readme:find(name, 1, true) then missing[#missing + 1] = name end
  end
  assert(#missing == 0, "no word of " .. table.concat(missing, ", "))
end)

t.test("every link from page to page leads to a page, and to a heading of it", function()
  local function anchors(path)
    local found = {}
    for heading in ("\n" .. read(path)):gmatch "\n#+ ([^\n]+)" do
      found[heading:lower():gsub("[^%w_%- \128-\255]", ""):gsub(" ", "-")] = true
    end
    return found
  end
  local ls <close>, links = io.popen(("cd '%s' && ls README.md docs/*.md"):format(root)), 0
  for page in ls:lines() do
    local folder = page:match "^(.*/)" or ""
    for link in read(page):gmatch "%]%(([%w_./]*%.?m?d?#?[^)%s]*)%)" do
      local path, anchor = link:match "^([^#]*)#?(.*)$"
      if path:find "^[%w_/]*%.md$" and (path:find "^docs/" or folder ~= "" and not path:find "/") or path == "" then
        links = links + 1
        assert(anchor == "" or anchors(path == "" and page or folder .. path)[anchor], page .. ": " .. link)
        read(path == "" and page or folder .. path)
      end
    end
  end
  assert(links > 30, "no links are found")
end)

-- --- errors

t.test("docs/runtime.md names every kind of error, and no other", function()
  local kinds = {}
  for _, path in ipairs { "runtime/state/error.h", "pool/pickle/pickle.h", "pool/process/task_error.h",
    "pool/gearman/result_load.h" } do
    for kind in read(path):gmatch '#define ERROR_[%u_]+ "([%l_]+)"' do kinds[#kinds + 1] = kind end
  end
  local listed = {}
  for kind in read("docs/runtime.md"):match("| kind |.-\n\n"):gmatch "\n| `([%l_]+)` |" do listed[#listed + 1] = kind end
  assert(#kinds > 5 and #listed > 5, "nothing is found")
  all_in(table.concat(listed, " "), kinds, "docs/runtime.md")
  all_in(table.concat(kinds, " "), listed, "the code")
end)

-- --- C

t.test("docs/embedding.md names every field of gilua_Config and every library flag", function()
  local header, manual = read "interp/gilua.h", code_of "docs/embedding.md"
  local config, list = header:match "typedef struct gilua_Config {(.-)\n}", {}
  for declaration in config:gsub("/%*.-%*/", ""):gmatch "([^;]+);" do
    list[#list + 1] = declaration:match "%(%*([%w_]+)%)" or declaration:match "([%w_]+)%s*$"
  end
  for flag in header:gmatch "%f[%w_](GILUA_LIB_%u+)%f[^%w_]" do list[#list + 1] = flag end
  assert(#list > 20)
  all_in(manual, list, "embedding.md")
end)

t.test("manuals name nothing of C that the headers do not have", function()
  local headers = read "interp/gilua.h" .. read "interp/gilua_native.h"
  for _, page in ipairs { "embedding", "native_modules", "bind", "recipes", "gil", "futures", "runtime" } do
    for name in code_of("docs/" .. page .. ".md"):gmatch "%f[%w_]gilua_[%w_]+" do
      assert(names(headers, name) or name:find "_bind$" or name:find "_$" or name:find "_config$", page .. ".md: " .. name)
    end
    for name in code_of("docs/" .. page .. ".md"):gmatch "%f[%w_]GILUA_[%u_]+" do
      assert(names(headers, name) or name:find "_$" or name == "GILUA_PROGRAM", page .. ".md: " .. name)
    end
  end
end)

t.test("every function of the headers stands in a manual", function()
  local text = ""
  for _, page in ipairs { "embedding", "native_modules" } do text = text .. code_of("docs/" .. page .. ".md") end
  text = text:gsub("gilua_blocking_begin/end", "gilua_blocking_begin gilua_blocking_end")
    :gsub("gilua_buffer_check/pin/unpin", "gilua_buffer_check gilua_buffer_pin gilua_buffer_unpin")
    :gsub("gilua_run_…", "gilua_run_file gilua_run_string")
  local list = {}
  for name in (read "interp/gilua.h" .. read "interp/gilua_native.h"):gmatch "\n%w[^\n;{}]-(gilua_%l[%w_]*)%(" do
    if not name:find "_$" and name ~= "gilua_native" and not name:find "^gilua_region" then list[#list + 1] = name end
  end
  assert(#list > 15)
  all_in(text, list, "no manual")
end)

-- --- the program

local function options_of(text, pattern)
  local list, seen = {}, {}
  for option in text:gmatch(pattern) do
    option = option:gsub("\\", "")
    if not seen[option] then list[#list + 1], seen[option] = option, true end
  end
  table.sort(list)
  return table.concat(list, " ")
end

t.test("--help, the manual page and the completion name the same options", function()
  local help, status = t.run { "--help" }
  t.equal(status, 0)
  local ours = options_of(help, "\n  (%-[%w-]*)")
  assert(#ours > 50, ours)
  t.equal(options_of(read "tools/share/gilua.1", "\n\\fB(\\%-[\\%w-]*)\\fR"), ours, "gilua.1")
  local words = " " .. read "tools/share/gilua.bash":match '%-W "(%-e.-)"'
  t.equal(options_of((words:gsub("%-%-stats=json", "")), "%f[%S](%-[%w-]*)"), ours, "gilua.bash")
  all_in(code_of "docs/runtime.md" .. " ", { "policy", "switch-interval", "stats", "trace", "version", "help", "stats=json" }, "runtime.md")
end)

t.test("gilua worker --help, the completion and the manual name the same options", function()
  local help, words = t.run { "worker", "--help" }, read "tools/share/gilua.bash"
  local ours = options_of(help, "\n  (%-%-[%w-]*)")
  assert(#ours > 50, ours)
  t.equal(options_of(" " .. words:match('== worker .-%-W "(.-)"'), "%f[%S](%-%-[%w-]*)"), ours, "gilua.bash")
  for option in ours:gmatch "%S+" do
    assert(option == "--help" or option == "--version" or read("docs/gearman.md"):find(option, 1, true), "gearman.md: " .. option)
  end
end)

t.test("--help, the manual page, the completion and the manual name the same options of explore and replay", function()
  local help, page, words = t.run { "--help" }, read "tools/share/gilua.1", read "tools/share/gilua.bash"
  for _, name in ipairs { "explore", "replay" } do
    local ours = options_of(help:match("gilua " .. name .. " (.-)\n  "), "%[(%-%-[%w-]*)")
    assert(#ours > 0, help)
    t.equal(options_of(page:match("\n%.B gilua " .. name .. "\n(.-)\n%."), "%[\\fB(\\%-\\%-[\\%w-]*)\\fR"), ours, "gilua.1")
    t.equal(options_of(" " .. words:match("== " .. name .. " .-%-W \"(.-)\""), "%f[%S](%-%-[%w-]*)"), ours, "gilua.bash")
    for option in ours:gmatch "%S+" do assert(read("docs/schedules.md"):find(option, 1, true), "schedules.md: " .. option) end
  end
end)

t.finish()
