-- SCTBench stringbuffer-jdk1.4: append asks another buffer for its length, and then for so many characters. depth 2
local threading = require "gilua.threading"
local function buffer(text)
  return { text = text, lock = threading.Lock() }
end
local function length(b)
  local _ <close> = b.lock:hold()
  return #b.text
end
local function characters(b, n)
  local _ <close> = b.lock:hold()
  assert(n <= #b.text, "index out of range")
  return b.text:sub(1, n)
end
local function append(b, other)
  local _ <close> = b.lock:hold()
  b.text = b.text .. characters(other, length(other))
end
local one, two = buffer "one", buffer "two"
local a = threading.start(append, one, two)
local b = threading.start(function()
  local _ <close> = two.lock:hold()
  two.text = ""
end)
a:result()
b:join()
