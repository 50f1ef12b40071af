-- Names that a header may not use: words of C and Lua, and those of the C code that bind_write makes. A clash is an error with its place.
local function set(words)
  local found = {}
  for word in words:gmatch "%S+" do found[word] = true end
  return found
end

local of_c = set [[auto break case char const continue default do double else enum extern float for goto if inline int long register
  restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false]]
local of_lua = set [[and break do else elseif end false for function goto if in local nil not or repeat return then true until while]]
local of_writer = set [[L Bytes Callback Handle NO_ROOM Piece boolean bytes_of_array bytes_of_string call_lua element functions h in_range
  k new_handle object open_handle push_bytes push_handler push_piece push_text raise_again result zero_ended]]

local function word_of(name)
  return of_c[name] and "a word of C" or of_writer[name] and "a name of the code that bind writes"
end

local M = {}

-- The name of a parameter, which has something before it in the code.
function M.check_parameter(name, fail)
  if of_c[name] then fail("'" .. name .. "' is a word of C: a parameter needs a name") end
end

function M.check_lua(name, fail)
  if of_lua[name] then fail("'" .. name .. "' is a word of Lua: give another name with name: NAME") end
end

-- Something of the library that the code names.
function M.check_c(name, fail)
  if word_of(name) then fail("'" .. name .. "' is " .. word_of(name) .. ": give it another name in C") end
end

-- Variables are named after parameters, and functions after functions: what the library has by such a name is hidden.
function M.check_module(module)
  local made, used = { ["luaopen_" .. module.module] = true }, {}
  for i = 1, module.closers do made["close_" .. i] = true end
  for _, f in ipairs(module.functions) do
    made["bind_" .. f.name] = true
    for _, p in ipairs(f.parameters) do
      for _, before in ipairs { "v_", "i_", "n_", "h_", "s_" } do made[before .. p.name] = true end
      for _, before in ipairs { "call_", "run_", "Args_" } do
        if p.kind == "callback" then made[before .. f.name .. "_" .. p.name] = true end
      end
    end
  end
  for _, f in ipairs(module.functions) do
    for _, name in ipairs { f.name, f.free } do
      if made[name] then f.fail("'" .. name .. "' is a name of the code that bind writes: give it another name in C") end
      if used[f.name] then f.fail("it stands twice") end
    end
    used[f.name] = true
  end
end

return M
