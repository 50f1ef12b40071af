-- Work with dkjson: round trips of nested and big documents with order, indentation, metatables and errors.
local json = dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "json.lua")

return function(pause)
  local dkjson = require "dkjson"
  local out = {}
  local function say(name, ...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = json.show(words[i], dkjson.null) end
    out[#out + 1] = name .. "\t" .. table.concat(words, "\t")
  end
  for i, text in ipairs(json.texts) do say("text " .. i, dkjson.decode(text, 1, dkjson.null)) end
  for i, text in ipairs(json.wrong_texts) do say("wrong text " .. i, dkjson.decode(text)) end
  pause()
  local order = { keyorder = { "title", "count", "id", "name", "records", "active", "ratio", "tags", "nested", "deep",
    "text" } }
  local small, big = json.document(2), json.document(60)
  say("small", dkjson.encode(small, order))
  say("indented", dkjson.encode(small, { indent = true, level = 1, keyorder = order.keyorder }))
  local text = dkjson.encode(big, order)
  say("big", #text, json.show(dkjson.decode(text)) == json.show(big), dkjson.encode(dkjson.decode(text), order) == text)
  pause()
  for _, value in ipairs { { 1, 2, n = 2 }, { "a\0b\127\31\"/\u{2028}" }, { 1.5, 1e300, 2 ^ 53, 1 / 0, 0 / 0 }, { {} },
    { 1, nil, 3 }, setmetatable({}, { __jsontype = "object" }),
    setmetatable({ x = 1 }, { __tojson = function(self) return "<" .. self.x .. ">" end }),
    setmetatable({ b = 1, a = 2 }, { __jsonorder = { "b", "a" } }) } do
    say("encode", dkjson.encode(value))
  end
  for _, value in ipairs { print, { print }, { [{}] = 1 }, { io.stdout }, { coroutine.create(print) } } do
    say("cannot encode", (pcall(dkjson.encode, value)),
      (tostring(select(2, pcall(dkjson.encode, value))):gsub("^.-:%d+: ", "")))
  end
  local cycle = {}
  cycle[1] = cycle
  say("cycle", (pcall(dkjson.encode, cycle)))
  say("exception", dkjson.encode({ print, 1, { print } }, { exception = function(reason, value, _, message)
    return '"' .. reason .. " " .. type(value) .. " " .. message .. '"'
  end }))
  local part, at = dkjson.decode('{"a": 1} [2] "three"')
  say("parts", part, at, dkjson.decode('{"a": 1} [2] "three"', at), getmetatable(part).__jsontype,
    getmetatable(dkjson.decode "[]").__jsontype)
  say("comments", dkjson.decode '[1, // one\n 2 /* two */]', dkjson.quotestring 'a"b\n', dkjson.version,
    dkjson.using_lpeg)
  local lines = {}
  dkjson.encode({ 1, { 2 } }, { buffer = lines, indent = true })
  say("buffer", #lines > 3, table.concat(lines))
  return table.concat(out, "\n")
end
