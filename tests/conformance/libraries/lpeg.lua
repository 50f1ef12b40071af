-- Work with LPeg and its module re: grammars with every kind of capture, functions called in the midst of a match.

local function json_grammar(lpeg)
  local P, R, S, V, C, Cc, Cf, Cg, Cs, Ct = lpeg.P, lpeg.R, lpeg.S, lpeg.V, lpeg.C, lpeg.Cc, lpeg.Cf, lpeg.Cg, lpeg.Cs,
    lpeg.Ct
  local space = S " \t\n" ^ 0
  local function token(p) return P(p) * space end
  local escapes = { n = "\n", t = "\t", ['"'] = '"', ["\\"] = "\\" }
  local text = token('"' * Cs((P "\\" / "" * C(1) / escapes + (1 - S '"\\')) ^ 0) * '"')
  local number = token(C(P "-" ^ -1 * R "09" ^ 1 * (P "." * R "09" ^ 1) ^ -1) / tonumber)
  local null = {}
  return token "" * P {
    "value",
    value = V "object" + V "array" + text + number + token "true" * Cc(true) + token "false" * Cc(false) + token "null" * Cc(null),
    object = token "{" * Cf(Ct "" * (V "pair" * (token "," * V "pair") ^ 0) ^ -1, rawset) * token "}",
    pair = Cg(text * token ":" * V "value"),
    array = token "[" * Ct((V "value" * (token "," * V "value") ^ 0) ^ -1) * token "]",
  } * -1, null
end

local function show(value, null)
  if value == null then return "null" end
  if type(value) ~= "table" then return type(value) == "string" and string.format("%q", value) or tostring(value) end
  local words = {}
  if #value > 0 then
    for i, v in ipairs(value) do words[i] = show(v, null) end
  else
    for k, v in pairs(value) do words[#words + 1] = k .. ":" .. show(v, null) end
    table.sort(words)
  end
  return "{" .. table.concat(words, ",") .. "}"
end

local function json(lpeg, say)
  local grammar, null = json_grammar(lpeg)
  say("json", show(grammar:match '{"a": [1, 2.5, -3, {"b": null}], "text": "q\\"uo\\nte", "t": true, "f": false}',
    null))
  say("wrong json", grammar:match "[1, 2", grammar:match '{"a" 1}', grammar:match "")
  local words = {}
  for i = 1, 150 do words[i] = string.format('{"id": %d, "name": "item %d", "tags": ["a%d", "b"]}', i, i, i) end
  local big = grammar:match("[" .. table.concat(words, ", ") .. "]")
  say("big json", #big, big[150].name, show(big[77], null))
end

local function arithmetic(lpeg, say)
  local P, R, S, V, C, Cc, Cg, Ct = lpeg.P, lpeg.R, lpeg.S, lpeg.V, lpeg.C, lpeg.Cc, lpeg.Cg, lpeg.Ct
  local space = S " " ^ 0
  local depth, calls = 0, 0
  local function compute(left, op, right)
    calls = calls + 1
    if op == "+" then return left + right elseif op == "-" then return left - right
    elseif op == "*" then return left * right else return left / right end
  end
  local function fold(list)
    local value = list[1]
    for i = 2, #list, 2 do value = compute(value, list[i], list[i + 1]) end
    return value
  end
  local calculator = space * P {
    "sum",
    sum = Ct(V "product" * (C(S "+-") * space * V "product") ^ 0) / fold,
    product = Ct(V "atom" * (C(S "*/") * space * V "atom") ^ 0) / fold,
    atom = C(R "09" ^ 1) * space / tonumber + "(" * space * V "sum" * ")" * space
      + "-" * space * V "atom" / function(x) return -x end,
  } * -1
  say("sum", calculator:match "1 + 2 * (3 - 4) / -(5 + 6) * 7", calculator:match "2 *",
    calculator:match(("("):rep(25) .. "1" .. (")"):rep(25)))
  say("long sum", calculator:match(("1 + 2 * 3 - "):rep(150) .. "4"), calls)
  -- Cmt runs Lua at the time of the match: here it counts how deep it is, and may refuse.
  local nested = P { Cg(lpeg.Cmt("(", function(_, i) depth = depth + 1 return depth <= 20 and i end), nil) * V(1) ^ 0
    * lpeg.Cmt(")", function(_, i) depth = depth - 1 return i end) }
  say("Cmt", nested:match "((()())())", depth, nested:match(("("):rep(21) .. (")"):rep(21)))
  say("error in Cmt", pcall(lpeg.match, lpeg.Cmt(1, function() error("in Cmt", 0) end), "x"))
  say("error in a capture", pcall(lpeg.match, P(1) / function() error("in capture", 0) end, "x"))
  say("left recursion", (pcall(P, { "a", a = V "a" * "b" })), (pcall(function() return P { V "missing" } end)),
    (pcall(function() return P "" ^ 1 end)))
  local version = type(lpeg.version) == "function" and lpeg.version() or lpeg.version -- a string since lpeg 1.1
  say("constants", (Cc(1, nil, "x") * lpeg.Cp()):match "", version, lpeg.type(P(1)), lpeg.type "x")
end

local function captures(lpeg, say)
  local P, R, S, C, Cb, Cg, Cs, Ct, Carg = lpeg.P, lpeg.R, lpeg.S, lpeg.C, lpeg.Cb, lpeg.Cg, lpeg.Cs, lpeg.Ct, lpeg.Carg
  local word = R("az", "AZ") ^ 1
  local gsub = function(s, p, by) return Cs((p / by + 1) ^ 0):match(s) end
  say("gsub", gsub("hello big world", word, string.upper), gsub("a1b22", R "09" ^ 1,
    function(n) return "<" .. n + 1 .. ">" end),
    gsub("x y", word, { x = "ex" }), gsub("k=v", C(word) * "=" * C(word), "%2=%1"))
  local split = Ct(C((1 - S ",;") ^ 0) * (S ",;" * C((1 - S ",;") ^ 0)) ^ 0)
  say("split", table.concat(split:match "a,b;;c", "|"))
  local long_string = P { "[" * Cg(P "=" ^ 0,
    "mark") * "[" * C((1 - P { "]" * lpeg.Cmt(C(P "=" ^ 0) * Cb "mark",
    function(_, _, a, b) return a == b end) * "]" }) ^ 0) * 1 }
  say("back reference", (long_string:match "[==[ text ]=] more ]==]"))
  say("arguments", (Carg(1) * C(1) / function(a, b) return a .. b end):match("z", 1, "given "), P "b":match("abc", 2),
    P "c":match("abc", -1))
  say("groups", show(Ct(Cg(C(word), "first") * " " * Cg(C(word), "second")):match "one two"),
    (C(word) * Cg(Ct "", "t") * Cb "t"):match "x")
  say("positions", table.concat({ (lpeg.Cp() * word * lpeg.Cp()):match "word" }, " "),
    (1 - P "x") ^ -3 * P "x" and ((1 - P "x") ^ -3 * P "x"):match "abcx")
  say("sets", (R "09" + S "+-"):match "-", (#P "a" * word):match "abc", (-P "a" * word):match "abc", P(true):match "",
    P(-1):match "", P(3):match "ab")
  say("utf-8", (R "\194\223" * R "\128\191"):match "é",
    Ct(C(R "\0\127" + R "\194\223" * R "\128\191") ^ 0):match "aéb"[2])
  local nested = C(C(C(1) ^ 1) ^ 0)
  say("nested", select("#", nested:match(("x"):rep(40))),
    (lpeg.Cf(C(R "09") ^ 1, function(a, b) return a * 2 + b end)):match "10110")
end

local function expressions(say)
  local re = require "re"
  say("re", re.match("the number 423 is odd", "{ [0-9]+ } / . ") == nil, re.find("the number 423", "[0-9]+"),
    re.gsub("hello world", "[aeiou]", "*"))
  local csv = re.compile([[
    record <- {| field (',' field)* |} !.
    field  <- escaped / { [^,"%nl]* }
    escaped <- '"' {~ ([^"] / '""' -> '"')* ~} '"'
  ]])
  say("csv", table.concat(csv:match 'a,"b ""quoted"", c",,d', "|"), csv:match 'a,"b')
  local html = re.compile([[
    tag <- {| '<' {:name: %a+ :} {:attributes: {| attribute* |} :} %s* '>' {:body: (tag / { [^<]+ })* :} '</' =name '>' |}
    attribute <- {| %s+ { %a+ } '=' ["] { [^"]* } ["] |}
  ]])
  say("html", show(html:match '<p id="a" x="b">text</p>'), html:match "<p>text</q>")
  local lisp = re.compile([[ list <- %s* '(' {| (list / %s* { [^()%s]+ })* |} %s* ')' ]])
  say("lisp", show(lisp:match "(define (square x) (* x x))"))
  local defs = { upper = string.upper, tonumber = tonumber, add = function(a, b) return a + b end,
    digit = require "lpeg".R "09" }
  say("definitions", re.compile("{ . } -> upper", defs):match "abc", re.match("aab", "{ 'a'^2 } 'b'"),
    re.compile("({ %digit+ } -> tonumber ('+' { %digit+ } -> tonumber)*) ~> add", defs):match "1+20+300")
  say("re errors", (pcall(re.compile, "'unclosed")), (pcall(re.compile, "%undefined")),
    select(2, pcall(re.compile, "a <- b")) ~= nil)
end

return function(pause)
  local lpeg, out = require "lpeg", {}
  local function say(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = type(words[i]) == "table" and show(words[i]) or tostring(words[i]) end
    out[#out + 1] = table.concat(words, "\t")
  end
  for _, part in ipairs { json, arithmetic, captures } do
    part(lpeg, say)
    pause()
  end
  expressions(say)
  return table.concat(out, "\n")
end
