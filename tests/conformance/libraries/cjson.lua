-- Work with Lua CJSON: round trips of nested and big documents, settings, errors.
local json = dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "json.lua")

return function(pause)
  local cjson = require "cjson".new() -- settings of its own
  local out = {}
  local function say(name, ...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = json.show(words[i], cjson.null) end
    out[#out + 1] = name .. "\t" .. table.concat(words, "\t")
  end
  for i, text in ipairs(json.texts) do say("text " .. i, pcall(cjson.decode, text)) end
  for i, text in ipairs(json.wrong_texts) do say("wrong text " .. i, pcall(cjson.decode, text)) end
  pause()
  for _, value in ipairs { { 1, 2, { 3 } }, { "a\0b\127\31\"/" }, { 1.5, 1e300, -0.0, 2 ^ 53 }, { { {} } },
    { only = { key = { true, cjson.null } } }, { [3] = "sparse" } } do
    say("encode", cjson.encode(value))
  end
  for _, value in ipairs { print, { [{}] = 1 }, { 1 / 0 }, { 0 / 0 }, { [1] = 1, [1000] = 2 }, { f = function() end },
    { coroutine.create(print) } } do
    say("cannot encode", pcall(cjson.encode, value))
  end
  local cycle = {}
  cycle[1] = cycle
  say("cycle", pcall(cjson.encode, cycle))
  say("depth", pcall(cjson.decode, ("["):rep(1001) .. ("]"):rep(1001)))
  pause()
  local small, big = json.document(3), json.document(120)
  say("small", cjson.decode(cjson.encode(small)))
  local text = cjson.encode(big)
  say("big", #text, json.show(cjson.decode(text)) == json.show(big),
    cjson.encode(cjson.decode(cjson.encode(cjson.decode(text)))):len() == #text)
  pause()
  cjson.encode_sparse_array(true, 1, 10)
  cjson.encode_number_precision(4)
  cjson.encode_invalid_numbers(true)
  say("settings", cjson.encode { [1] = math.pi, [20] = 1 / 0 }, cjson.encode { 1, nil, nil, 4 })
  cjson.encode_invalid_numbers "null"
  cjson.decode_invalid_numbers(false)
  cjson.decode_max_depth(3)
  say("more settings", cjson.encode { 0 / 0 }, (pcall(cjson.decode, "[nan]")), (pcall(cjson.decode, "[[[[1]]]]")),
    cjson.decode "[[[1]]]")
  cjson.encode_keep_buffer(false)
  say("buffer", cjson.encode { ("long "):rep(100) }:len(), cjson.encode { "short" })
  local safe = require "cjson.safe".new()
  say("safe", safe.decode "[1", safe.encode { print }, safe.decode '{"a": [1]}')
  say("another", require "cjson".encode { math.pi }, cjson.null == require "cjson".null, tostring(cjson.null),
    cjson._VERSION)
  return table.concat(out, "\n")
end
