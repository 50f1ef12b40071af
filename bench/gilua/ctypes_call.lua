-- cos(x) through ctypes. usage: ctypes_call.lua [N] [release | keep]
local C = require "common"
local ctypes = require "gilua.ctypes"
local n, how = C.args(3000000, "release")

local cos = ctypes.load("libm.so.6"):func("cos", "double", { "double" }, { release = how == "release" })
local function run()
  local t0 = C.now()
  for _ = 1, n do cos(0.5) end
  return C.now() - t0
end
run()
C.per_op("ctypes_call." .. how, n, run())
