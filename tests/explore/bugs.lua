-- How often each strategy finds each of the small programs in bugs/, as a table: what bench/results.md has of it.
--
--   gilua tests/explore/bugs.lua [RUNS]        from the top of the workspace; 2000
local bugs = {}

-- Runs that were needed, or allowed, elsewhere: M, MapleAlg's schedules to the failure, as SCTBench has them (mc-imperial/sctbench,
-- benchmarks/mapleRes.txt); S, runs that shuttle's own test of the same gives itself (awslabs/shuttle, tests/basic/pct.rs,
-- tests/demo/bounded_buffer.rs). Of the other programs of SCTBench MapleAlg found none, or the published one fails at once for another
-- reason; of the rest no figure is known.
bugs.published = {
  account = "M 20", carter = "M 6", queue = "M 2", stringbuffer = "M 9", token_ring = "M 5", twostage = "M 8", wronglock_3 = "M 6",
  lazy = "M 1", sync = "M 1", order_violation = "S 20", atomicity_violation = "S 300", atomicity_violation_20 = "S 16000",
  abba_long = "S 400", starved_look = "S 20", bounded_buffer = "S 10000",
}

bugs.names = {
  "aba", "abba_long", "account", "atomicity_violation", "atomicity_violation_20", "bluetooth_driver", "bounded_buffer", "carter",
  "circular_buffer", "counter", "deadlock", "din_phil2", "din_phil3", "double_check", "handshake_3", "handshake_4", "lazy",
  "order_violation", "queue", "reorder_3", "reorder_4", "reorder_5", "stack", "starved_look", "stringbuffer", "sync", "token_ring",
  "twostage", "upgrade", "work_steal_queue", "wronglock_3",
}

function bugs.path(name) return "tests/explore/bugs/" .. name .. ".lua" end

-- What so many runs give; run(args) -> what the program printed.
function bugs.measure(run, name, strategy, runs)
  local depth
  for line in io.lines(bugs.path(name)) do depth = depth or tonumber(line:match "depth (%d)") end
  local text = run { "explore", "--count", "--runs", runs, "--strategy", strategy, "--depth", depth, bugs.path(name) }
  local failed, first = text:match "of %d+ runs (%d+) failed", text:match "in run (%d+)"
  local threads, events = text:match "(%d+) threads, %d+ instructions without a preemption, of which others may notice (%d+)"
  return { depth = depth, rate = tonumber(failed or 0) / (runs + 1), first = tonumber(first), threads = tonumber(threads),
    events = tonumber(events), bound = 1 / (threads * events ^ (depth - 1)) }
end

-- So many runs find it more often than not.
function bugs.needed(m)
  if m.first == 0 or m.rate >= 1 then return 1 end
  return m.rate > 0 and math.ceil(math.log(0.5) / math.log(1 - m.rate)) or math.huge
end

local function shown(m) return m.rate > 0 and ("%d"):format(bugs.needed(m)) or "?" end

local function table_of(runs)
  local function run(args)
    local p <close> = io.popen(arg[-1] .. " " .. table.concat(args, " ") .. " 2>&1")
    return p:read "a"
  end
  print "| program | depth | threads | events | PCT's bound | PCT | POS | random | runs: PCT, POS, random | published |"
  print "|---|---|---|---|---|---|---|---|---|---|"
  for _, name in ipairs(bugs.names) do
    local pct, pos, random = bugs.measure(run, name, "pct", runs), bugs.measure(run, name, "pos", runs), bugs.measure(run, name, "random", runs)
    print(("| %s | %d | %d | %d | %.2g %% | %.2g %% | %.2g %% | %.2g %% | %s, %s, %s | %s |"):format(name, pct.depth, pct.threads, pct.events,
      100 * pct.bound, 100 * pct.rate, 100 * pos.rate, 100 * random.rate, shown(pct), shown(pos), shown(random),
      bugs.published[name] or ""))
  end
end

if arg and (arg[0] or ""):find "bugs%.lua$" then table_of(tonumber(arg[1]) or 2000) end
return bugs
