local sums = require "sums"

assert(sums.of(function(i) return i * i end, 10) == 385)
assert(not pcall(sums.of, error, 1))
