-- What the work with both JSON modules shares: documents, and a text of a value that does not depend on the order of
-- keys.
local json = {}

function json.show(value, null, seen)
  if value == null and null ~= nil then return "null" end
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return math.type(value) == "float" and string.format("%.17g", value)
    or tostring(value) end
  local words = {}
  for k, v in pairs(value) do words[#words + 1] = json.show(k) .. "=" .. json.show(v, null, seen) end
  table.sort(words)
  return "{" .. table.concat(words, ",") .. "}"
end

-- A document with n records, as a table.
function json.document(n)
  local records = {}
  for i = 1, n do
    records[i] = {
      id = i, ratio = i / 8, name = "record \"" .. i .. "\"\n\t\\ \u{e9}\u{20ac}\u{1f600}", active = i % 2 == 0,
      tags = { "a" .. i % 7, "b", { nested = { deep = { i, { i + 1 } } } } }, text = ("x"):rep(i % 50),
    }
  end
  return { records = records, count = n, title = "the document" }
end

json.texts = {
  '[1, -2.5e3, 0.1, 1E2, 123456789012]', '{"a": {"b": [true, false, null]}, "": "empty key"}',
    '"\\u00e9\\u20AC\\ud83d\\ude00\\n\\/\\"\\\\"',
  '  [ ]  ', '{}', '[[[[[]]]]]', '"\\u0000"', 'true', '-0',
}

json.wrong_texts = {
  '', '[1,', '[1 2]', '{"a" 1}', '{a: 1}', '"unclosed', '"bad \\x escape"', '[1]]', 'nul', '{"a":1,}', '\1', '[1,,2]',
    '"\\ud800"', '"tab\there"',
}

return json
