-- Names that people are shown, in messages, as text of objects and in reports, are UTF-8 and give a terminal no orders, whatever they are.
local t = require "testing"

local PRELUDE = [[
local gilua = require "gilua"
local threading, futures, mp = gilua.threading, gilua.futures, gilua.multiprocessing
local NAME = "a\nb\27[31m\xc2\x9bc\xffé"
]]
local SHOWN = "a�b�[31m�c�é"

local function run(code, ...)
  local path = os.tmpname()
  local removed <close> = setmetatable({}, { __close = function() os.remove(path) end })
  local out <close> = assert(io.open(path, "w"))
  out:write(PRELUDE, code)
  out:close()
  local arguments = { ... }
  arguments[#arguments + 1] = path
  return (t.run(arguments))
end

local function shows(text, times)
  t.equal(text:find "[\0-\8\11-\31\127]", nil, ("%q"):format(text))
  t.equal(utf8.len(text) ~= nil, true, text)
  t.equal(select(2, text:gsub(SHOWN:gsub("%p", "%%%0"), "")) >= (times or 1), true, text)
end

for what, code in pairs {
  ["the message about a thread's error"] = "threading.Thread { target = error, args = { 'x' }, name = NAME }:start():join()",
  ["that about the error of a thread of a pool"] = [[
    local pool <close> = futures.ThreadPoolExecutor { max_workers = 1, thread_name_prefix = NAME }
    pool:submit(function() threading.Thread { target = error, args = { 'x' }, name = threading.current_thread().name }:start():join() end)]],
  ["the text of a Thread"] = "print(threading.Thread { name = NAME })",
  ["the text of a Timer"] = "local timer = threading.Timer(0, print) timer.name = NAME print(timer)",
  ["the text of a Process"] = "print(mp.Process { target = print, name = NAME })",
  ["the text of the current process"] = "mp.Process { target = function() print(mp.current_process()) end, name = NAME }:start():join()",
  ["a deadlock"] = [[
    local a, b = threading.RLock(), threading.RLock()
    local both = threading.Barrier(2)
    local function take(first, second)
      first:acquire()
      both:wait()
      print(pcall(second.acquire, second))
      first:release()
    end
    local thread = threading.Thread { target = take, args = { a, b }, name = NAME }:start()
    take(b, a)
    thread:join()]],
} do
  t.test("in " .. what, function() shows(run(code)) end)
end

t.test("in the table of --stats", function() shows(run("threading.Thread { name = NAME }:start():join()", "--stats")) end)

t.test("in a warning about Locks that threads wait for, the name that the system knows", function()
  local text = run([[
    local a, b, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
    warn "@on"
    threading.Thread { target = function() a:acquire() both:wait() b:acquire() os.exit(0) end, name = "x\27[1m\xffé", daemon = true }:start()
    b:acquire()
    both:wait()
    threading.Timer(0.2, os.exit):start()
    a:acquire()]])
  t.equal(text:find "\27", nil, text)
  t.equal(text:find("x�[1m�é waits for lock", 1, true) ~= nil, true, text)
end)

t.test("in a report of gilua explore", function()
  local text = run([[
    local n = 0
    local function add() local m = n n = m + 1 end
    local thread = threading.Thread { target = add, name = NAME }:start()
    add()
    thread:join()
    assert(n == 2)]], "explore", "--strategy=all")
  shows(text)
end)

t.finish()
