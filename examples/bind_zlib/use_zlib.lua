-- Uses zlib through the generated module: threads compress at the same time, because the calls leave the lock.
local zlib = require "bound_zlib"
local threading = require "gilua.threading"

local text = ("the same words again and again; "):rep(20000)
print("zlib " .. zlib.version():match("^%d+"), string.format("crc32 %08x", zlib.crc32(0, "123456789")))

local workers = {}
for level = 1, 9, 4 do
  workers[#workers + 1] = threading.start(function()
    local packed = assert(zlib.compress(zlib.bound(#text), text, level))
    assert(zlib.uncompress(#text, packed) == text)
    return level, #packed < #text // 50
  end)
end
for _, worker in ipairs(workers) do print("level and small:", worker:result()) end
print("damaged:", zlib.uncompress(10, "no zlib data"))
print("wrong argument:", (select(2, pcall(zlib.crc32, 0, {})):gsub("^.-: ", "")))
