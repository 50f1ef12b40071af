-- Create, start and join N threads, one after another. usage: thread_start_join.lua [N]
local C = require "common"
local threading = require "gilua.threading"
local n = C.args(10000)

local function body() end

local t0 = C.now()
for _ = 1, n do threading.Thread { target = body }:start():join() end
C.per_op("thread_start_join", n, C.now() - t0)
