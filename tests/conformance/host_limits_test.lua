-- How the collector starts and where the stack ends. Not for the hostile build, which has a collector mode of its own
-- and looks at every frame of the stack at every instruction.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

stock.same("collectgarbage starts in generational mode", { args = { "-e", "print(collectgarbage('generational'))" },
  shows = "generational" })
stock.same("collectgarbage comes back from incremental mode", { args = { "-e",
  "print(collectgarbage('incremental'), collectgarbage('incremental'), collectgarbage('generational'))" },
    shows = "generational\tincremental\tincremental" })

-- The stack ends after 1000000 slots; the programs themselves do not use the same few of them.
local function about_a_million(text) return (text:gsub("skipping 9999%d%d", "skipping 9999xx"):gsub("9999%d%d",
  "9999xx")) end
stock.same("a function that never ends its recursion overflows the stack",
  { args = { "-e", "local function f() return 1 + f() end f()" }, shows = "stack overflow", status = 1,
    edit = about_a_million })
stock.same("a stack overflow can be caught, and the stack used again", { args = { "-e",
  "local n = 0 local function f() n = n + 1 return 1 + f() end for i = 1, 2 do n = 0 print(pcall(f)) print(n) end" },
  shows = "stack overflow", edit = about_a_million })
stock.same("a coroutine has a stack as deep as the main one", { args = { "-e",
  "local n = 0 local function f() n = n + 1 return 1 + f() end print(coroutine.resume(coroutine.create(f))) print(n)" },
  shows = "stack overflow", edit = about_a_million })
stock.same("arguments and results are as many as the stack takes", { args = { "-e",
  "for _, n in ipairs { 1e5, 9e5, 2e6 } do print(pcall(select, '#', pcall(table.unpack, {}, 1, n))) end" },
  shows = "true\t900001" })
stock.same("a string buffer grows to what memory allows", { args = { "-e",
  "local s = string.rep('x', 1 << 26) print(#s, #(s .. s), #s:gsub('x', 'yy', 10))" }, shows = "67108864\t134217728" })

stock.finish()
