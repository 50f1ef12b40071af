-- The fields that objects tell of to the prompt, which completes them, are those that they have.
local t = require "testing"
local gilua = require "gilua"
local threading, mp, native = gilua.threading, gilua.multiprocessing, gilua.native

for name, case in pairs {
  Thread = { threading.Thread(), "daemon ident name native_id waits_for" },
  Barrier = { threading.Barrier(2), "broken n_waiting parties" },
  ["Barrier of processes"] = { mp.Barrier(2), "broken n_waiting parties" },
  Process = { mp.Process { target = print }, "daemon exitcode name pid" },
  ["current process"] = { mp.current_process(), "daemon name pid" },
  Value = { mp.Value("i32", 1), "value" },
  Connection = { mp.Pipe(), "closed" },
  buffer = { native.buffer("u8", 1), "itemsize nbytes type" },
  library = { gilua.ctypes.load(), "" },
} do
  t.test("the fields of a " .. name .. " are told", function()
    local object, list = case[1], {}
    for field in pairs(debug.getmetatable(object).__fields(object)) do list[#list + 1] = field end
    table.sort(list)
    t.equal(table.concat(list, " "), case[2])
    for _, field in ipairs(list) do local _ = object[field] end
  end)
end

t.finish()
