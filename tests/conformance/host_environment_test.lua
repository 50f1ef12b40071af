-- LUA_INIT, LUA_PATH, LUA_CPATH and their 5.4 forms, and -E against them.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

local files = {
  ["init.lua"] = "print('init', ...) x = 'from init'",
  ["fails.lua"] = "local function f() error('in init') end f()",
  ["broken.lua"] = "x = = 1",
  ["m.lua"] = "return 'm here'",
  ["args.lua"] = "print(x, arg[0], arg[-1], ...)",
}
local PRINT_X = { "-e", "print(x)" }
local PATHS = { "-e", "print(package.path) print(package.cpath)" }

stock.table {
  { "LUA_INIT runs a string before all else", PRINT_X, "from init", env = { LUA_INIT = "x = 'from init'" } },
  { "LUA_INIT runs a file", PRINT_X, "init\nfrom init", env = { LUA_INIT = "@init.lua" }, files = files },
  { "LUA_INIT_5_4 comes before LUA_INIT and alone", PRINT_X, "five",
    env = { LUA_INIT = "x = 'any'", LUA_INIT_5_4 = "x = 'five'" } },
  { "LUA_INIT_5_4 runs a file", PRINT_X, "init\nfrom init", env = { LUA_INIT_5_4 = "@init.lua" }, files = files },
  { "LUA_INIT_5_4 that is empty hides LUA_INIT", PRINT_X, "nil", env = { LUA_INIT = "x = 'any'", LUA_INIT_5_4 = "" } },
  { "LUA_INIT that is empty does nothing", PRINT_X, "nil", env = { LUA_INIT = "" } },
  { "LUA_INIT with only an @ reads no file", PRINT_X, "cannot open", env = { LUA_INIT = "@" }, status = 1 },
  { "LUA_INIT sees arg", PRINT_X, "lua-e2", env = { LUA_INIT = "x = arg[0] .. arg[1] .. #arg" } },
  { "LUA_INIT runs before -l", { "-l", "m" }, "m here", env = { LUA_INIT = "package.path = './?.lua'" }, files = files,
    stdin = "print(m)" },
  { "LUA_INIT runs before the script, which sees its globals", { "args.lua", "a" }, "from init\targs.lua\tlua\ta",
    env = { LUA_INIT = "@init.lua" }, files = files },
  { "LUA_INIT runs before stdin", {}, "from init", env = { LUA_INIT = "@init.lua" }, files = files,
    stdin = "print(x)" },
  { "LUA_INIT can set the prompts", { "-i" }, "ready: ", env = { LUA_INIT = "_PROMPT = 'ready: '" } },
  { "LUA_INIT runs after -v has spoken", { "-v" }, "Lua 5.4", env = { LUA_INIT = "print('init')" } },
  { "LUA_INIT may exit", PRINT_X, "", env = { LUA_INIT = "os.exit(5)" }, status = 5 },
  { "LUA_INIT that fails ends the program", PRINT_X, "LUA_INIT:1: bad", env = { LUA_INIT = "error('bad')" },
    status = 1 },
  { "LUA_INIT that does not compile ends the program", PRINT_X, "LUA_INIT:1: unexpected symbol",
    env = { LUA_INIT = "= 1" }, status = 1 },
  { "LUA_INIT_5_4 is named in its errors", PRINT_X, "LUA_INIT_5_4:2: bad", env = { LUA_INIT_5_4 = "\nerror('bad')" },
    status = 1 },
  { "LUA_INIT with a table as error ends the program", PRINT_X, "(error object is a table value)",
    env = { LUA_INIT = "error({})" }, status = 1 },
  { "LUA_INIT with a file that fails shows its traceback", PRINT_X, "fails.lua:1: in main chunk",
    env = { LUA_INIT = "@fails.lua" },
    files = files, status = 1 },
  { "LUA_INIT with a file that does not compile", PRINT_X, "broken.lua:1:", env = { LUA_INIT = "@broken.lua" },
    files = files, status = 1 },
  { "LUA_INIT with a missing file", PRINT_X, "cannot open missing.lua", env = { LUA_INIT = "@missing.lua" },
    status = 1 },
  { "LUA_INIT that fails leaves the prompt out", { "-i" }, "LUA_INIT:1: bad", env = { LUA_INIT = "error('bad')" },
    status = 1 },
  { "-E leaves LUA_INIT alone", { "-E", "-e", "print(x)" }, "nil",
    env = { LUA_INIT = "x = 1", LUA_INIT_5_4 = "x = 1" } },
  { "-E works behind other options", { "-e", "print(x)", "-E" }, "nil", env = { LUA_INIT = "x = 1" } },
  { "-E behind the script is the script's", { "args.lua", "-E" }, "from init\targs.lua\tlua\t-E",
    env = { LUA_INIT = "@init.lua" }, files = files },
  { "without variables the paths are the built-in ones", PATHS, "/usr/share/lua/5.4/?.lua" },
  { "LUA_PATH replaces package.path", PATHS, "only/?.lua\n", env = { LUA_PATH = "only/?.lua" } },
  { "LUA_PATH puts the default where ;; is", PATHS, "a/?.lua;/usr/local", env = { LUA_PATH = "a/?.lua;;b/?.lua" } },
  { "LUA_PATH that is ;; alone is the default", PATHS, "/usr/share/lua/5.4/?.lua", env = { LUA_PATH = ";;" } },
  { "LUA_PATH_5_4 comes before LUA_PATH", PATHS, "five/?.lua\n",
    env = { LUA_PATH = "any/?.lua", LUA_PATH_5_4 = "five/?.lua" } },
  { "LUA_PATH that is empty is used", PATHS, "\n", env = { LUA_PATH = "" } },
  { "LUA_PATH is where modules are looked for", { "-l", "m" }, "m here", env = { LUA_PATH = "./?.lua" }, files = files,
    stdin = "print(m)" },
  { "LUA_PATH is named in what was tried", { "-l", "m2" }, "no file 'x/m2.y'", env = { LUA_PATH = "x/?.y" },
    status = 1 },
  { "LUA_CPATH replaces package.cpath", PATHS, "only/?.so\n", env = { LUA_CPATH = "only/?.so" } },
  { "LUA_CPATH puts the default where ;; is", PATHS, "a/?.so;/usr/local", env = { LUA_CPATH = "a/?.so;;" } },
  { "LUA_CPATH_5_4 comes before LUA_CPATH", PATHS, "five/?.so\n",
    env = { LUA_CPATH = "any/?.so", LUA_CPATH_5_4 = "five/?.so" } },
  { "LUA_CPATH with a file that is no library is an error", { "-l", "m" },
    "error loading module 'm' from file './m.lua'",
    env = { LUA_PATH = "none/?", LUA_CPATH = "./?.lua" }, files = files, status = 1 },
  { "-E leaves LUA_PATH and LUA_CPATH alone", { "-E", table.unpack(PATHS) }, "/usr/share/lua/5.4/?.lua",
    env = { LUA_PATH = "a", LUA_PATH_5_4 = "b", LUA_CPATH = "c", LUA_CPATH_5_4 = "d" } },
  { "os.getenv sees the variables, -E or not", { "-E", "-e", "print(os.getenv('LUA_INIT'))" }, "x = 1",
    env = { LUA_INIT = "x = 1" } },
  { "package.config is the same", { "-e", "print(package.config)" }, "/\n;\n?\n!\n-" },
  { "package.searchers and package.preload are there", { "-e", "print(#package.searchers, type(package.preload))" },
    "4\ttable" },
}

-- What the globals and the libraries are called; the values differ by nothing that shows.
local NAMES = [[
local names = {}
local function note(t, path)
  for k, v in next, t do
    local name = path .. tostring(k)
    names[#names + 1] = name .. ":" .. (math.type(v) or type(v))
    if type(v) == "table" and v ~= _G and path == "" and k ~= "arg" and k ~= "package" then note(v, name .. ".") end
  end
end
note(_G, "")
note(debug.getregistry()._LOADED, "loaded.")
note(getmetatable("").__index, "string metatable.")
note(getmetatable(io.stdout), "file.")
note(getmetatable(io.stdout).__index, "file:")
table.sort(names)
print(table.concat(names, "\n"))
]]
stock.same("globals, libraries and file methods have the same names and types",
  { args = { "-" }, stdin = NAMES, shows = "utf8.char:function" })
stock.same("loaded libraries are those of the stock program", { args = { "-e",
  "local n = {} for k in pairs(package.loaded) do n[#n + 1] = k end table.sort(n) print(table.concat(n, ' '))" },
  shows = "_G coroutine debug io math os package string table utf8" })
stock.same("_VERSION is that of Lua", { args = { "-e", "print(_VERSION)" }, shows = "Lua 5.4" })
stock.same("collectgarbage is running from the start", { args = { "-e", "print(collectgarbage('isrunning'))" },
  shows = "true" })
stock.same("the main chunk runs in the main coroutine, which cannot yield", { args = { "-e",
  "local co, main = coroutine.running() print(type(co), main, coroutine.isyieldable(), coroutine.status(co))" },
    shows = "thread\ttrue\tfalse\trunning" })
stock.same("the registry has the main thread and the globals at their places", { args = { "-e",
  "local r = debug.getregistry() print(r[1] == coroutine.running(), r[2] == _G)" }, shows = "true\ttrue" })
stock.same("the locale is C", { args = { "-e", "print(os.setlocale())" }, shows = "C", env = { LC_ALL = "C.UTF-8" } })

stock.finish()
