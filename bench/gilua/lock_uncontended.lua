-- Acquire and release a free lock N times in one thread. usage: lock_uncontended.lua [N] [statement|explicit|recursive]
-- statement: hold() and its <close>. explicit: acquire() and release(). recursive: hold() of an RLock.
-- net_ns is per_op_ns less an empty loop of the same length.
local C = require "common"
local threading = require "gilua.threading"
local n, form = C.args(5000000, "statement")
local lock = form == "recursive" and threading.RLock() or threading.Lock()

local function empty(k)
  for _ = 1, k do end
end

local function statement(k, l)
  for _ = 1, k do
    local _ <close> = l:hold()
  end
end

local function explicit(k, l)
  for _ = 1, k do
    l:acquire()
    l:release()
  end
end

local run = form == "explicit" and explicit or statement
local t0 = C.now()
empty(n)
local t1 = C.now()
run(n, lock)
local t2 = C.now()
C.per_op("lock_uncontended." .. form, n, t2 - t1, { "net_ns", (t2 - t1 - (t1 - t0)) * 1e9 / n })
