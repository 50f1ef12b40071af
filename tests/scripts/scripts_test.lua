-- The scripts that users start from: each runs, with little to do, and says what it is there to say.
local t = require "testing"

local function script(name, ...) return t.run({ "scripts/" .. name .. ".lua", ... }) end

local function says(text, status, ...)
  for _, what in ipairs { ... } do t.equal(text:find(what) ~= nil, true, what .. " in:\n" .. text) end
  t.equal(status, 0, text)
end

t.test("countdown counts down to the end, and can be asked meanwhile", function()
  local text, status = script("countdown", "0.01")
  says(text, status, "T%-minus%s+1\n", "still running", "lift%-off\nCompleted")
end)

t.test("shared_counter loses nothing with the lock", function()
  local text, status = script("shared_counter", 4, 500)
  says(text, status, "with the lock%s+2000 of%s+2000 increments,%s+0 lost", "without it")
end)

t.test("threads_and_the_lock has a line for each number of threads", function()
  local text, status = script("threads_and_the_lock", 1000)
  says(text, status, "\n%s+1 ", "\n%s+2 ", "\n%s+4 ")
end)

t.test("process_pool counts in workers what it counts alone", function()
  local text, status = script("process_pool", 2, 2)
  says(text, status, "4203 primes below 40000", "one process", " 2 workers")
end)

t.test("wrong arguments are answered with the usage", function()
  for _, call in ipairs {
    { "countdown", "soon" }, { "countdown", -1 },
    { "native_threads", "x" }, { "pool_from_threads", 0 }, { "process_pool", -5 }, { "shared_counter", 2, "x" },
    { "threads_and_the_lock", 0.5 }, { "word_count", "/nonexistent" },
    { "pipeline", "/nonexistent" },
  } do
    local text, status = script(table.unpack(call))
    t.equal(text:find("usage: " .. call[1] .. ".lua [", 1, true) ~= nil, true, text)
    t.equal(status, 2, text)
  end
end)

t.test("word_count maps files and reduces their words", function()
  local name = os.tmpname()
  local file = io.open(name, "w")
  file:write("one two two three three three\nThree isn't two\n")
  file:close()
  local text, status = script("word_count", name)
  os.remove(name)
  says(text, status, "9 words, 4 different ones, in 1 files", "4  three\n%s+3  two\n%s+1  isn't\n%s+1  one")
end)

if not os.getenv("TSAN_OPTIONS") then -- whose processes start threads
  t.test("pipeline counts words in processes that talk by queues", function()
    local name = os.tmpname()
    local file = io.open(name, "w")
    file:write("one two two three three three\nThree isn't two\n")
    file:close()
    local text, status = script("pipeline", name)
    os.remove(name)
    says(text, status, "1 files, 4 different words", "4  three\n%s+3  two\n%s+1  isn't\n%s+1  one")
  end)
end

t.test("pool_from_threads compares threads alone with threads that use a pool", function()
  local text, status = script("pool_from_threads", 2, 1)
  says(text, status, "2 threads, 1 calls each", "in the threads", "in a pool, from them")
end)

t.test("native_threads compares Lua threads with native code and with a pool", function()
  local text, status = script("native_threads", 2000, 2)
  says(text, status, "\nin Lua threads .-303 primes", "\nin native code .-303 primes", "\nin a pool of processes .-303 primes")
end)

t.finish()
