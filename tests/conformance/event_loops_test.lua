-- Event loops of other people's C, as Debian packages them: Lua code that computes in a callback of luv, or in a coroutine that
-- cqueues resumes, lets other threads run, is interrupted and cancelled, and the loop goes on afterwards. Under each policy.
local t = require "testing"
local gil = require "gilua.gil"
local gilua = require "gilua"
local threading = require "gilua.threading"
local time = require "gilua.time"
t.find_system_modules()
t.needs "cqueues"
t.needs "luv"
local cqueues = require "cqueues"
local uv = require "luv"

-- Each calls f inside its loop and returns when the loop has ended, with what it says of errors.
local loops = {}

function loops.luv(f)
  local timer, ok, err = uv.new_timer(), nil, nil
  timer:start(0, 0, function()
    timer:close()
    ok, err = pcall(f)
  end)
  uv.run()
  return ok, err
end

function loops.cqueues(f)
  local ok, err
  local loop = cqueues.new()
  loop:wrap(function()
    cqueues.sleep(0)
    ok, err = pcall(f)
  end)
  assert(loop:loop())
  return ok, err
end

-- Beside two threads that take turns with whoever computes: f(turns), which returns how many turns they have had.
local function beside_others(f)
  local turns, stop = 0, false
  local others = t.start(2, function()
    while not stop do
      turns = turns + 1
      time.sleep(0)
    end
  end)
  local results = table.pack(pcall(f, function() return turns end))
  stop = true
  t.join(others)
  assert(table.unpack(results, 1, results.n))
end

-- Computes until the others have had several turns; false after long.
local function let_in(turns)
  time.sleep(0) -- a call of ours: from here on the coroutine is known
  local before, late = turns(), os.clock() + t.limit
  while turns() < before + 3 and os.clock() < late do end
  return turns() >= before + 3
end

-- The recipe of docs/runtime.md. uv.run() would wait with the lock, and so for ever.
t.test("luv: while its descriptor is waited for by gilua.socket another thread runs, and ends the loop", function()
  local socket = require "gilua.socket"
  local async, timer, other = nil, uv.new_timer(), nil
  async = uv.new_async(function() async:close() end)
  timer:start(0, 0, function() -- the last that the loop does before it waits
    timer:close()
    other = threading.start(function()
      time.sleep(0.02) -- until it waits; nothing tells
      async:send()
    end)
  end)
  local loop = { getfd = function() return uv.backend_fd() end, dirty = function() return false end }
  while uv.run("nowait") do
    local ms = uv.backend_timeout()
    socket.select({ loop }, nil, ms >= 0 and ms / 1000 or nil)
  end
  t.join { other }
end)

for _, policy in ipairs { "fair", "interval", "ticks" } do
  gil.policy(policy)
  for _, name in ipairs { "luv", "cqueues" } do
    local run = loops[name]
    local function test(what, f) t.test(name .. ", policy " .. policy .. ": " .. what, f) end

    test("what computes inside lets others run", function()
      beside_others(function(turns)
        local was_let_in
        t.equal(run(function() was_let_in = let_in(turns) end), true)
        t.equal(was_let_in, true)
      end)
    end)

    test("what computes after the loop lets others run", function()
      beside_others(function(turns)
        run(function() end)
        t.equal(let_in(turns), true)
      end)
    end)

    test("what computes inside is interrupted", function()
      local shell <close> = io.popen("read _ && kill -INT " .. threading.main_thread().native_id, "w")
      local ok, err = run(function()
        shell:write("go\n")
        shell:flush()
        local late = os.clock() + t.limit
        while os.clock() < late do end
      end)
      t.equal(ok, false)
      t.equal(gilua.is_error(err, "interrupted"), true, tostring(err))
    end)

    if name == "cqueues" then -- luv calls back on the state that loaded it: its loop is the main thread's
      test("what computes inside, in a thread, is cancelled", function()
        local entered = threading.Event()
        local thread = threading.start(function()
          return run(function()
            entered:set()
            local late = os.clock() + t.limit
            while os.clock() < late do end
          end)
        end)
        entered:wait()
        thread:cancel()
        t.equal(thread:join(t.limit), true)
        local cancelled, ok, err = pcall(thread.result, thread)
        t.equal(gilua.is_error(cancelled and err or ok, "cancelled"), true)
      end)
    end
  end
end
gil.policy "fair"

t.finish()
