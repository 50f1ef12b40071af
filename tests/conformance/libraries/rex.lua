-- Work with the regular expressions of lrexlib, five libraries of C with global functions of their own.
local names = { "rex_gnu", "rex_onig", "rex_pcre2", "rex_posix", "rex_tre" }
local text = ("The quick brown fox, 42 years old, jumps over 7 lazy dogs.\n"):rep(20)

return function(pause)
  local out = {}
  local function say(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    out[#out + 1] = table.concat(words, "\t")
  end
  for _, name in ipairs(names) do
    local rex = require(name)
    local function new(pattern) return rex.new(pattern, name == "rex_gnu" and 0 or rex.flags and rex.flags().EXTENDED) end
    local digits, word = new "[0-9][0-9]*", new "[a-z][a-z]*"
    say(name, "gsub", rex.gsub(text, digits, "<%0>"))
    say(name, "function", rex.gsub(text, word, function(w) return #w > 4 and w:upper() or nil end))
    pause()
    say(name, "table", rex.gsub(text, word, { fox = "cat", dogs = "mice" }, 30))
    say(name, "find", rex.find(text, digits), rex.match(text, word, 5), rex.count(text, digits))
    local n = 0
    for w in rex.gmatch(text, word) do n = n + #w end
    say(name, "gmatch", n)
    for before, match in rex.split("a1b22c333d", digits) do say(name, "split", before, match) end
    say(name, "wrong", (pcall(rex.new, "[a")), (pcall(rex.gsub, text, word, print, {})))
    pause()
  end
  return table.concat(out, "\n")
end
