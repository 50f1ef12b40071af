-- The code blocks of a document. Each is { where, lang, text, skip, main, with }; what is special about one stands before
-- it, in a comment that readers do not see:
--
--   <!-- not run: why -->
--   <!-- main thread -->             it does what no other thread may
--   <!-- with: code that stands before it; for C, code with … where it stands -->
local blocks = {}

function blocks.of(path, name)
  local list, block, comment, number = {}, nil, "", 0
  for line in io.lines(path) do
    number = number + 1
    local lang = line:match "^```(%w*)$"
    if lang and block then
      block.text = table.concat(block, "\n") .. "\n"
      list[#list + 1], block, comment = block, nil, ""
    elseif lang then
      block = { where = ("%s:%d"):format(name, number), lang = lang, skip = comment:match "^<!%-%- not run: (.-) *%-%->$",
        main = comment == "<!-- main thread -->", with = comment:match "^<!%-%- with: ?\n?(.-)%s*%-%->$" }
    elseif block then
      block[#block + 1] = line
    elseif line:find "^<!%-%-" then
      comment = line
    elseif comment ~= "" and not comment:find "%-%->$" then
      comment = comment .. "\n" .. line
    else
      comment = ""
    end
  end
  assert(not block, name .. ": a block does not end")
  return list
end

-- The lines that a block of Lua says it prints: what stands behind -->.
function blocks.expected(text)
  local lines = {}
  for said in text:gmatch "%-%->%s*([^\n]*)" do lines[#lines + 1] = said end
  return lines
end

return blocks
