-- A generator of random numbers that is an object, so that a seed alone says what a test made (splitmix64).
local Random = {}
Random.__index = Random

function Random.new(seed) return setmetatable({ state = seed }, Random) end

function Random:bits()
  self.state = self.state + 0x9E3779B97F4A7C15
  local z = self.state
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

-- An integer of low … high.
function Random:int(low, high) return low + (self:bits() >> 1) % (high - low + 1) end

-- True in p of 100 cases.
function Random:chance(p) return self:int(1, 100) <= p end

function Random:pick(list) return list[self:int(1, #list)] end

return Random
