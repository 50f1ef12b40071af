-- Whatever is called with whatever neither crashes nor hangs. usage: monkey_stress.lua [CALLS [SEED …]]
local t = require "testing"
local calls = table.remove(arg, 1) or 400
local seeds = #arg > 0 and arg or { 1, 2, 3, 4 }

-- A folder for the files that it may write.
local function folder()
  local p <close> = io.popen("mktemp -d")
  return p:read("l")
end

for _, seed in ipairs(seeds) do
  t.test("calls of all functions with anything, seed " .. seed, function()
    local dir = folder()
    local text, status = t.run({ os.getenv("TEST_ROOT") .. "/tests/stress/monkey.lua", seed, calls },
      { stderr = "2>/dev/null", before = "cd '" .. dir .. "' && timeout 250 " })
    os.execute("rm -r '" .. dir .. "'")
    t.equal(status, 0, text:sub(-2000))
    t.equal(text:match "finished%s*$" ~= nil, true, text:sub(-2000))
    t.equal(text:match "it does not end[^\n]*", nil)
  end)
end
t.finish()
