-- Tasks while their workers are killed, crash and leave, with retries, cancels and time-outs between: every result right,
-- each exactly once, and nothing left over: no descriptor, no process, no memory.
-- usage: pool_stress.lua [tasks [seed [workers]]]
local futures = require "gilua.futures"
local gilua = require "gilua"
local time = require "gilua.time"
local P = require "processes"

local tasks = tonumber(arg[1]) or 3000
local seed = tonumber(arg[2]) or tonumber(os.getenv "TEST_RANDOM_SEED") or 1
local workers = tonumber(arg[3]) or 4
print(string.format("# %d tasks, seed %d, %d workers", tasks, seed, workers))
math.randomseed(seed)

local function descriptors()
  local p <close> = io.popen("ls /proc/self/fd | wc -l")
  return p:read("n")
end

local function resident()
  local f <close> = io.open("/proc/self/status")
  return tonumber(f:read("a"):match("VmRSS:%s+(%d+)"))
end

-- what a task does with x: mostly plain work, now and then the end of its worker
local function work(i, x, harm, seen)
  if harm and #P.lines(seen) < harm.times then
    P.append(seen, "x")
    if harm.how == "exit" then os.exit(harm.times, true) end
    P.die(harm.how)
  end
  if harm and harm.forever then
    while true do end
  end
  return i, type(x) == "string" and #x or x * 2, x
end

local kinds = { P.KILL, P.SEGV, "exit" }
local scratch = os.tmpname()
local counts = { done = 0, died = 0, cancelled = 0, overdue = 0, retried = 0 }

local function submit(pool, i)
  local x = math.random(60) == 1 and string.rep("z", math.random(300000)) or i
  local job = { i = i, x = x, expect = "done" }
  local r = math.random(400)
  local seen = scratch .. i
  if r == 1 then -- dies once or twice, and is tried again
    job.harm = { how = kinds[math.random(3)], times = math.random(2) }
    counts.retried = counts.retried + 1
  elseif r == 2 then -- dies too often
    job.harm, job.expect = { how = kinds[math.random(3)], times = 3 }, "worker_died"
  elseif r == 3 and math.random(10) == 1 then
    job.harm, job.expect = { times = 0, forever = true }, "task_timeout"
  end
  job.seen = job.harm and seen
  job.future = pool:submit(work, i, x, job.harm, seen)
  if r > 4 and r <= 14 then
    job.may_be_cancelled = true
    if math.random(2) == 1 then job.future:cancel() end
  end
  return job
end

local function check(job)
  if job.may_be_cancelled then job.future:cancel() end
  local ok, i, y, x = pcall(job.future.result, job.future)
  if job.seen then os.remove(job.seen) end
  if ok then
    assert(job.expect == "done", "a result where there cannot be one")
    assert(i == job.i and x == job.x and y == (type(x) == "string" and #x or x * 2), "a wrong result")
    counts.done = counts.done + 1
  elseif gilua.is_error(i, "cancelled") then
    assert(job.may_be_cancelled, tostring(i))
    counts.cancelled = counts.cancelled + 1
  elseif gilua.is_error(i, "task_timeout") then
    assert(job.expect == "task_timeout", tostring(i))
    counts.overdue = counts.overdue + 1
  else
    assert(gilua.is_error(i, "worker_died") and job.expect == "worker_died", tostring(i))
    counts.died = counts.died + 1
  end
end

local function run(n)
  local pool <close> = futures.ProcessPoolExecutor { max_workers = workers, retries = 2, task_timeout = 5 }
  local first, last, jobs = 1, 0, {}
  for i = 1, n do
    last = last + 1
    jobs[last] = submit(pool, i)
    if last - first >= 200 then
      check(jobs[first])
      jobs[first] = nil
      first = first + 1
    end
  end
  for k = first, last do check(jobs[k]) end
end

run(100) -- what is loaded at first use
collectgarbage()
local files, memory = descriptors(), resident()
for k in pairs(counts) do counts[k] = 0 end
run(tasks)
collectgarbage()
collectgarbage()
local grown = resident() - memory
print(string.format("# %d done, %d died, %d cancelled, %d overdue, %d tried again, %d KiB more resident", counts.done,
  counts.died, counts.cancelled, counts.overdue, counts.retried, grown))
assert(counts.done + counts.died + counts.cancelled + counts.overdue == tasks, "a task is lost")
assert(descriptors() == files, "descriptors are left over")
require("testing").eventually(function() return #P.children() == 0 end, "processes to go: those of a killed zygote die alone")
assert(tasks < 20000 or grown < 40000, "memory is left over")
os.remove(scratch)
print "ok - pool_stress"
