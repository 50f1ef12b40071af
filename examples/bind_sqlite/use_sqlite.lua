-- A table of numbers in memory; a statement is prepared once and used from Lua.
local sqlite = require "bound_sqlite"
local ROW, DONE = 100, 101

local db <close> = assert(sqlite.open(":memory:"))
assert(sqlite.exec(db, "create table numbers (x real)"))
do
  local insert <close> = assert(sqlite.prepare_v2(db, "insert into numbers values (?)"))
  for i = 1, 100 do
    assert(sqlite.bind_double(insert, 1, i / 2))
    assert(sqlite.step(insert) == DONE)
    assert(sqlite.reset(insert))
  end
end
local query <close> = assert(sqlite.prepare_v2(db, "select count(*), sum(x) from numbers"))
assert(sqlite.step(query) == ROW)
print(sqlite.column_int64(query, 0), sqlite.column_double(query, 1))
print(sqlite.exec(db, "selekt 1"))
