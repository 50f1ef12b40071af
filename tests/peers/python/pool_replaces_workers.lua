local multiprocessing = require "gilua.multiprocessing"
local function pid()
  local file <close> = io.open "/proc/self/stat"
  return file:read "n"
end
local function different(options)
  local pool <close> = multiprocessing.Pool(options)
  local seen, n, own = {}, 0, false
  for _ = 1, 6 do
    local p = pool:apply(pid)
    n = n + (seen[p] and 0 or 1)
    seen[p] = true
    own = own or p == pid()
  end
  return n, own
end
print(different { processes = 1, maxtasksperchild = 2 })
print((different { processes = 1 }))
