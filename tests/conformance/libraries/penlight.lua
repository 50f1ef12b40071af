-- Work with Penlight. Returns work(pause), which returns what came of it as text, the same at each call; pause() is
-- called now and then and may yield. pl.pretty.read is not here: it takes the metatable of strings away for its time,
-- from all threads, as they share it.

local function collections(say)
  local List, Map, OrderedMap, MultiMap, Set = require "pl.List", require "pl.Map", require "pl.OrderedMap",
    require "pl.MultiMap", require "pl.Set"
  local list = List.range(1, 60):map("*", 7):filter(function(n) return n % 3 ~= 0 end)
  list:append(1000):extend { 2, 4, 6 }:insert(1, -5)
  say("list", list:slice(1, 5), list:len(), list:index(14), list:reduce("+"), list:reverse():slice(1, 3),
    list:contains(49))
  say("sorted", List { 5, 3, 9, 1 }:sort ">", List.split("one two three"), List { 1, 2 } .. List { 3 }, list:count(7))
  say("pop", list:pop(), list:remove_value(2):len(), List { 3, 1, 2 }:sorted():join "-", List.new("abc"),
    List { 1, 2 } == List { 1, 2 })
  local parts = List { "apple", "bob", "avocado", "bread", "cup" }:partition(function(s) return s:sub(1, 1) end)
  say("partition", parts.a, parts.b, parts.c)
  local map = Map { one = 1, two = 2 }
  map:update { three = 3 }
  say("map", map:len(), map:get "two", List(map:keys()):sort(), List(map:values()):sort(),
    map == Map { one = 1, two = 2, three = 3 })
  local ordered = OrderedMap { { z = 26 }, { a = 1 } }
  ordered:set("m", 13):insert(1, "first", 0):set("a", nil)
  say("ordered", ordered, ordered:keys(), ordered:values())
  for k, v in ordered:iter() do say(k, v) end
  local multi = MultiMap()
  for i = 1, 10 do multi:set(i % 3, i) end
  say("multi", multi[0], multi[1], multi[2])
  local a, b = Set { 1, 2, 3, 4 }, Set { 3, 4, 5 }
  say("set", List(Set.values(a * b)):sort(), List(Set.values(a + b)):sort(), List(Set.values(a ^ b)):sort(),
    Set.len(a - b), a < Set { 1, 2, 3, 4, 5 })
end

local function classes(say)
  local class = require "pl.class"
  local Shape = class()
  function Shape:_init(name) self.name = name end
  function Shape:area() return 0 end
  function Shape:__tostring() return self.name .. " of " .. string.format("%.2f", self:area()) end
  local Square = class(Shape)
  function Square:_init(side) self:super("square") self.side = side end
  function Square:area() return self.side ^ 2 end
  local Cube = class(Square)
  function Cube:_init(side) self:super(side) self.name = "cube" end
  function Cube:area() return 6 * Square.area(self) end
  Cube:catch(function(_, name) return "no " .. name end)
  local made = {}
  for i = 1, 30 do made[i] = i % 2 == 0 and Square(i) or Cube(i) end
  say("shapes", made[1], made[2], made[29], made[30], Cube:class_of(made[1]), Square:class_of(made[2]),
    Cube:class_of(made[2]))
  say("is_a", made[1]:is_a(Shape), made[2]:is_a(Cube), Shape:class_of(made[1]), made[1].colour, made[1]:is_a() == Cube)
  local Heat = class(class.properties)
  function Heat:_init(celsius) self._celsius = celsius end
  function Heat:get_fahrenheit() return self._celsius * 9 / 5 + 32 end
  function Heat:set_fahrenheit(value) self._celsius = (value - 32) * 5 / 9 end
  local heat = Heat(100)
  say("properties", heat.fahrenheit, heat.celsius)
  heat.fahrenheit = 50
  say("properties set", heat.celsius, pcall(function() return heat.missing end))
end

local function texts(say)
  local stringx, text, types = require "pl.stringx", require "pl.text", require "pl.types"
  say("split", table.concat(stringx.split("a, b,c , d", ","), "|"), stringx.partition("key=value=more", "="))
  say("strip", "[" .. stringx.strip("  text  ") .. "]", stringx.lstrip("xxabc", "x"), stringx.rstrip("abc  "),
    stringx.center("mid", 11, "*"))
  say("find", stringx.count("banana", "an"), stringx.rfind("banana", "an"), stringx.lfind("banana", "an"),
    stringx.replace("a.b.c", ".", "%%"))
  say("case", stringx.title("the quick brown fox"), stringx.isalpha "abc1", stringx.isdigit "123",
    stringx.startswith("hello", { "x", "he" }))
  say("lines", table.concat(stringx.splitlines("one\ntwo\r\nthree"), "|"), stringx.expandtabs("a\tb", 4),
    stringx.shorten(("x"):rep(50), 20))
  say("wrap", table.concat(stringx.split(text.fill(("lorem ipsum dolor sit amet "):rep(12), 40), "\n"), "|"))
  say("dedent", (text.dedent "  one\n    two\n  three"), text.indent("a\nb", 3, "."))
  local template = text.Template "$name has $n item${s} now"
  say("template", template:substitute { name = "Ann", n = 3, s = "s" }, template:safe_substitute { name = "Bob" },
    (pcall(template.substitute, template, {})))
  say("quote", stringx.quote_string 'a "b"\n[[c]]', types.is_empty "", types.is_empty({ 1 }), types.to_bool "yes",
    types.type(io.stdout))
end

local function tables(say)
  local tablex, pretty, seq, func, utils = require "pl.tablex", require "pl.pretty", require "pl.seq",
    require "pl.func", require "pl.utils"
  local deep = { 1, 2, { 3, { 4, "five" } }, name = "deep", nested = { list = { 1.5, true, "x\ty" } } }
  local copy = tablex.deepcopy(deep)
  say("deep", tablex.deepcompare(deep, copy), copy[3] ~= deep[3], pretty.write(copy, ""))
  copy.nested.list[2] = false
  say("changed", tablex.deepcompare(deep, copy), pretty.write(copy, "  "))
  say("number", pretty.number(12345678, "M"), pretty.number(1234567, "N", 2), pretty.number(12345678, "T"))
  say("map", table.concat(tablex.map(function(x, y) return x * y end, { 1, 2, 3 }, 10), " "),
    tablex.reduce("+", { 1, 2, 3, 4 }), tablex.find({ 5, 6, 7 }, 7))
  say("zip", pretty.write(tablex.zip({ 1, 2, 3 }, { "a", "b", "c" }), ""),
    table.concat(tablex.sub({ 1, 2, 3, 4, 5 }, 2, -2), " "), tablex.size { a = 1, b = 2 })
  say("sort", pretty.write({ a = 1, b = 2, c = 3 }, ""))
  for k, v in tablex.sort { pear = 3, apple = 1, fig = 2 } do say(k, v) end
  for k, v in tablex.sortv({ pear = 3, apple = 1, fig = 2 }, function(a, b) return a > b end) do say(k, v) end
  say("seq", seq.sum(seq.range(1, 100)), seq(seq.range(1, 40)):filter(function(n) return n % 2 == 0 end):map("*",
    3):take(6):copy(),
    seq.reduce("..", seq.list { "a", "b", "c" }), table.concat(seq.copy_tuples(seq.zip({ 1, 2 }, { 3, 4 }))[2], " "))
  local _1, _2 = func._1, func._2
  say("func", utils.string_lambda "|x, y| x + y"(3, 4), utils.bind1(math.max, 10)(3), func.I(_1 + _2 * 2)(5, 6),
    func.compose(math.abs, tonumber) "-7")
  say("errors", pcall(utils.assert_arg, 1, "x", "number"), utils.choose(true, 1, 2), utils.fprintf ~= nil,
    utils.escape "a.b*c", utils.is_type({}, "table"))
end

local function data_and_templates(say)
  local data, template, lexer, sip, Date = require "pl.data", require "pl.template", require "pl.lexer",
    require "pl.sip", require "pl.Date"
  local stringio, config, xml = require "pl.stringio", require "pl.config", require "pl.xml"
  local rows = { "name,size,price" }
  for i = 1, 40 do rows[#rows + 1] = string.format("item%d,%d,%.2f", i, i * i % 17, i * 1.25) end
  local d = data.read(stringio.open(table.concat(rows, "\n") .. "\n"))
  local q = {}
  for name, price in d:select "name,price where size > 12 sort by price" do q[#q + 1] = name .. "=" .. price end
  say("data", #d, table.concat(d.fieldnames, " "), table.concat(q, " "), table.concat(d:column_by_name "size", " "))
  local page = [[
# for i, row in ipairs(rows) do
<li>$(i): $(row.name:upper())
# if row.price > 5 then
  costs $(string.format("%.1f", row.price))
# else
  cheap
# end
# end
]]
  say("template", template.substitute(page, { rows = { { name = "a", price = 3 }, { name = "b", price = 8 } },
    ipairs = ipairs, string = string }))
  say("bad template", (select(2, template.substitute("# for", {}))):match ":%d+: .*")
  local tokens = {}
  for kind, value in lexer.lua "for i = 1, 10 do local s <const> = 'a' .. [[b]] -- note\n f{ x = 0x1F, 1e-3 } end" do
    tokens[#tokens + 1] = kind .. ":" .. tostring(value)
  end
  say("lexer", table.concat(tokens, " "))
  local found = {}
  say("sip", sip.compile "$v{name} = $d{n}"("width = 42", found), found.name, found.n,
    (sip.match("($q{s})", "('text')", found)), found.s)
  say("config", require "pl.pretty".write(config.read(stringio.open "# note\n[one]\na = 1\nb = x,y,z\n[two]\nc = hello there\n"), ""))
  local doc = xml.parse "<a x='1'><b>text</b><b y='2'/><!-- c --><c><b>more</b></c></a>"
  local names = {}
  for _, e in ipairs(doc:get_elements_with_name "b") do names[#names + 1] = tostring(e) end
  say("xml", table.concat(names, " "), doc.attr.x, xml.tostring(doc, "", "  "))
  local date = Date { year = 2024, month = 2, day = 28, hour = 12 }
  say("date", date:add { day = 2 }:month(), date:day(), date:is_weekend(), Date.Format "yyyy-mm-dd":tostring(date))
end

local function sequences(say)
  local permute, array2d, comprehension, url = require "pl.permute", require "pl.array2d",
    require "pl.comprehension".new(), require "pl.url"
  local all = {}
  for p in permute.order_iter { 1, 2, 3, 4 } do all[#all + 1] = table.concat(p) end
  table.sort(all)
  say("permute", #all, table.concat(all, " "))
  local grid = array2d.new(4, 5, function(i, j) return i * j end)
  say("grid", array2d.reduce2("+", "+", grid), table.concat(array2d.column(grid, 3), " "),
    table.concat(array2d.flatten(array2d.swap_rows(grid, 1, 2)), " "))
  say("comprehension", table.concat(comprehension "x^2 for x" { 1, 2, 3 }, " "),
    comprehension "sum(x * y for x for y if x < y)"({ 1, 2, 3 }, { 2, 3, 4 }))
  say("url", url.quote "a b/c?d=é&", url.unquote "a%20b%2Fc")
end

return function(pause)
  local stringify = require "pl.pretty".write
  local out = {}
  local function say(...)
    local words = table.pack(...)
    for i = 1, words.n do
      local w = words[i]
      words[i] = (type(w) == "table" and not (getmetatable(w) or {}).__tostring) and stringify(w, "") or tostring(w)
    end
    out[#out + 1] = table.concat(words, "\t")
  end
  for _, part in ipairs { collections, classes, texts, tables, data_and_templates, sequences } do
    part(say)
    pause()
  end
  return table.concat(out, "\n")
end
