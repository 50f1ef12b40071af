-- What the programs share that are run under two systems: numbers of a seed, values as text, results as a line.
local common = {}

-- random(n) is 1 … n, random(low, high) what it says, pick(list) one of the list; they depend on the seed only.
function common.generator(seed)
  local function random(low, high)
    seed = seed * 6364136223846793005 + 1442695040888963407
    if not high then low, high = 1, low end
    return low + (seed >> 33) % (high - low + 1)
  end
  return random, function(list) return list[random(#list)] end
end

-- A string on one line, without what differs in each run.
function common.quote(text)
  return (string.format("%q", text):gsub("0x%x%x%x%x+", "ADDRESS"):gsub("\\\n", "\\n"))
end

-- A table as its fields, each by show, in an order of its own.
function common.fields(t, show)
  local parts = {}
  for k, v in pairs(t) do parts[#parts + 1] = show(k) .. "=" .. show(v) end
  table.sort(parts)
  return "{" .. table.concat(parts, " ") .. "}"
end

-- Writes what was done, how many values came back, and these, each by show.
function common.reporter(show, out)
  return function(step, what, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = show(parts[i]) end
    out:write(step, "\t", what, "\t", parts.n, "\t", table.concat(parts, ", ", 1, parts.n), "\n")
  end
end

-- Runs so many of the actions, each with the number of its step.
function common.run(actions, pick, steps)
  local names = {}
  for name in pairs(actions) do names[#names + 1] = name end
  table.sort(names)
  for step = 1, steps do actions[pick(names)](step) end
end

return common
