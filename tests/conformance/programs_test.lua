-- A program that nobody here wrote: the test of JSON modules that Debian ships with dkjson as an example. Installations
-- without documentation lack it.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
require "testing".needs "dkjson"
local stock = require "stock"

local PROGRAM = "/usr/share/doc/lua-dkjson/examples/jsontest.lua"

-- The order of keys in a table is another in each run.
local function keys_in_any_order(text) return (text:gsub('{"x":"x","1":"a","5":"c"}', '{"1":"a","5":"c","x":"x"}')) end

local found = io.open(PROGRAM)
if not found then
  print("ok - jsontest.lua of lua-dkjson runs alike # SKIP not installed")
else
  found:close()
  stock.table {
    { "jsontest.lua of lua-dkjson runs alike", { PROGRAM, "dkjson" }, "NaN is converted to:",
      edit = keys_in_any_order },
    { "jsontest.lua of lua-dkjson runs alike with LPeg", { PROGRAM, "dkjson-lpeg" }, "NaN is converted to:",
      edit = keys_in_any_order },
    { "jsontest.lua of lua-dkjson finds alike what is escaped", { PROGRAM, "dkjson", "esc" }, "Escaped U+FEFF",
      edit = keys_in_any_order },
    { "jsontest.lua of lua-dkjson finds alike what is escaped of ASCII", { PROGRAM, "dkjson", "esc_asc" },
      "Escaped from U+0000", edit = keys_in_any_order },
    { "jsontest.lua of lua-dkjson fails alike at a cycle", { PROGRAM, "dkjson", "refcycle" }, "in main chunk",
      status = 1,
      edit = keys_in_any_order },
    { "jsontest.lua of lua-dkjson fails alike with a module that is missing", { PROGRAM, "sb-json" },
      "module 'sbjson' not found", status = 1 },
  }
end

stock.finish()
