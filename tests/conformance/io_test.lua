-- io, os, print and the functions that load files: the same results and messages as those of lua5.4.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local stock = require "stock"

local FILES = {
  ["text.txt"] = "first line\nsecond\n\n0x1F -7.5e2 12abc\n  .5 +3 0x.8p1 nan\nlast without end",
  ["empty.txt"] = "",
  ["zero.bin"] = "a\0b\nc\0d",
  ["numbers.txt"] = "1 2.5 0x10 -3 1e3 0x1p4 99999999999999999999 " .. ("9"):rep(250) .. " 7",
  ["mod.lua"] = "return { name = ..., path = select(2, ...) }",
  ["bad.lua"] = "x = = 1",
  ["hash.lua"] = "#!/usr/bin/lua\nreturn debug.getinfo(1, 'l').currentline",
  ["hash_only.lua"] = "#no end",
  ["bom.lua"] = "\xEF\xBB\xBFreturn 'marked'",
  ["bom_hash.lua"] = "\xEF\xBB\xBF# both\nreturn ...",
  ["env.lua"] = "return value",
  ["raises.lua"] = "error('from the file')",
}
local PRELUDE = [[
  local function show(...)
    local t = table.pack(...)
    for i = 1, t.n do
      t[i] = type(t[i]) == "string" and string.format("%q", t[i]) or tostring(t[i]):gsub("0x%x+", "ADDRESS")
    end
    print(table.concat(t, " ", 1, t.n))
  end
  local function try(f, ...) show(pcall(f, ...)) end
]]

-- Each row is { sentence, code, shows [, stdin or more fields of a case] }.
local function rows(list)
  for _, row in ipairs(list) do
    local case = { args = { "-e", PRELUDE .. row[2] }, shows = row[3], files = FILES }
    for key, value in pairs(row) do if type(key) == "string" then case[key] = value end end
    stock.same(row[1], case)
  end
end

rows {
  { "read without formats gives a line", "local f = io.open 'text.txt' show(f:read()) show(f:read())", "first line" },
  { "read gives lines with and without their ends", "local f = io.open 'text.txt' show(f:read('l', 'L', 'l', 'L'))", [["second\]] },
  { "formats may start with a star", "local f = io.open 'text.txt' show(f:read('*l', '*L')) show(f:read('*a'))", "first line" },
  { "only the first letter of a format counts", "local f = io.open 'text.txt' show(f:read('lines', 'Later')) show(f:read('all'))", "first line" },
  { "read gives numbers", "local f = io.open 'numbers.txt' show(f:read('n', 'n', 'n', 'n', 'n', 'n', 'n')) show(f:read 'n') show(f:read 'n')",
    "1 2.5 16 -3 1000.0 16.0 1e+20" },
  { "read of a number stops at the first wrong byte", "local f = io.open 'text.txt' f:read('l', 'l', 'l') show(f:read('n', 'n', 'n')) show(f:read 'l') show(f:read('n','n','n','n')) show(f:read 'a')",
    "31 -750.0" },
  { "read of a number at a word fails, and eats what could have begun one", "local f = io.open 'text.txt' show(f:read 'n') show(f:read 'l')", "nil" },
  { "read of blocks", "local f = io.open 'text.txt' show(f:read(5)) show(f:read(0)) show(f:read(1, 2, 3)) show(f:read(1000)) show(f:read(1000)) show(f:read(0))", "first" },
  { "read of all", "local f = io.open 'text.txt' show(#f:read 'a') show(f:read 'a') show(f:read 'l')", '""' },
  { "read at the end gives nil once, and no more", "local f = io.open 'empty.txt' show(f:read()) show(f:read('l', 'l')) show(f:read 'a') show(f:read 'n') show(f:read(0)) show(f:read(10))", "nil" },
  { "reads stop at the first that fails", "local f = io.open 'empty.txt' show(f:read('a', 'l', 'a'))", '"" nil' },
  { "zero bytes are read", "local f = io.open 'zero.bin' show(f:read('l', 'l'))", [[a\0b]] },
  { "the last line may have no end", "for l in io.lines 'text.txt' do show(l) end for l in io.lines('text.txt', 'L') do show(l) end", "last without end" },
  { "a wrong format is an error", "local f = io.open 'text.txt' try(f.read, f, 'x') try(f.read, f, '') try(f.read, f, {}) try(f.read, f, 1.5) try(f.read, f, 'l', 'q')", "invalid format" },
  { "lines with formats", "for a, b, c in io.lines('text.txt', 1, 2, 'L') do show(a, b, c) end", '"f" "ir"' },
  { "lines with blocks", "local n = 0 for b in io.lines('text.txt', 7) do n = n + #b end show(n)", "72" },
  { "lines of a handle leave it open", "local f = io.open 'text.txt' for l in f:lines() do end show(io.type(f)) show(f:read())", '"file"' },
  { "lines by name close the file at the end", "local it, _, _, f = io.lines 'empty.txt' show(io.type(f)) show(it()) show(io.type(f)) try(it)", "closed file" },
  { "lines of a closed file are an error", "local f = io.open 'text.txt' local it = f:lines() f:close() try(it) try(f.lines, f)", "file is already closed" },
  { "lines of a missing file are an error", "try(io.lines, 'missing') try(io.lines, 'missing', 'n')", "cannot open file 'missing'" },
  { "lines with a wrong format are an error when they run", "try(io.lines('text.txt', 'x'))", "invalid format" },
  { "lines with too many formats are an error", "try(io.lines, 'text.txt', table.unpack({}, 1, 251)) try(io.open('text.txt').lines, io.open('text.txt'), table.unpack({}, 1, 251))", "too many arguments" },
  { "a loop over lines that is left closes the file", "local h for l in io.lines 'text.txt' do break end collectgarbage() show 'left'", "left" },
  { "io.lines without a name reads standard input", "for l in io.lines() do show(l) end show(io.read())", [["two"]], stdin = "one\ntwo\n" },
  { "io.lines(nil, format)", "for l in io.lines(nil, 'L') do show(l) end", [["one\]], stdin = "one\ntwo" },
  { "io.read reads standard input", "show(io.read('n', 'l')) show(io.read(3)) show(io.read 'a') show(io.read 'a') show(io.read())", "42", stdin = "42 rest\nabcdef\ng" },
  { "io.read of nothing", "show(io.read()) show(io.read 'a') show(io.read(0))", '""' },
  { "a stdin that ends within a number", "show(io.read 'n') show(io.read 'n')", "12", stdin = "12" },

  { "write returns the file", "local f = io.open('out', 'w') show(f:write('a', 1, 2.5) == f) f:close() show(io.open('out'):read 'a') os.remove 'out'", "a12.5" },
  { "print of numbers", "print(0, -1, 7, 10^15 // 1 | 0, math.mininteger, math.maxinteger, 3.0, -0.0, 0.1)", "-9223372036854775808" },
  { "print of numbers that say how they are shown",
    "debug.setmetatable(0, { __tostring = function(n) return '<' .. n .. '>' end }) print(1, 2.5, 'x', -3)", "<1>\t<2.5>" },
  { "print of numbers that have a metatable for something else", "debug.setmetatable(0, { __name = 'N' }) print(12, 2.5)", "12\t2.5" },
  { "searchpath finds the first file that can be read", "show(package.searchpath('text', 'no/?.lua;?.txt;;./?.txt'))", "text.txt" },
  { "searchpath tells what it tried", "show(package.searchpath('a.b', './?.x;;?/?.y;')) show(package.searchpath('a.b', ''))", "no file" },
  { "searchpath puts another separator", "show(package.searchpath('a-b.c', '?.x', '-', '+')) show(package.searchpath('a.b', '?', ''))", "a+b.c.x" },
  { "searchpath checks its arguments", "try(package.searchpath, 'a') try(package.searchpath, 'a', {})", "bad argument" },
  { "searchpath finds a directory, as fopen does", "show(package.searchpath('.', '?', ''))", '"."' },
  { "require tells every place that it looked at", "package.path, package.cpath = './?.x;./?/y.lua', './?.z' try(require, 'no.such')", "no field" },
  { "write of numbers", "io.write(1, ' ', -0.0, ' ', 3.0, ' ', 1e100, ' ', 2^53, ' ', math.mininteger, ' ', 1/0, ' ', 0.1, '\\n')", "1e+100" },
  { "write of strings with zeros", "io.write('a\\0b\\n')", "a\0b" },
  { "write of a wrong value is an error after what came before", "try(io.write, 'before ', {}) try(io.write, nil) try(io.write, 'x', true, 'y')", "before" },
  { "write of nothing", "show(io.write() == io.stdout) show(io.write('') == io.stdout)", "true" },
  { "write of much", "local s = ('x'):rep(100000) io.write(s, s, '\\n') io.stdout:write(s)", "xxx" },
  { "write to a file opened for reading", "local f = io.open 'text.txt' show(f:write 'x')", "Bad file descriptor" },
  { "read of a file opened for writing", "local f = io.open('out', 'w') show(f:read()) show(f:read 'a') show(f:read 'n') show(f:read(1)) show(f:read(0)) os.remove 'out'", "Bad file descriptor" },
  { "append", "local f = io.open('out', 'w') f:write 'one ' f:close() f = io.open('out', 'a') f:write 'two' show(f:seek()) f:close() show(io.open('out'):read 'a') os.remove 'out'", "one two" },
  { "update reads and writes in turn", "local f = io.open('out', 'w+') f:write 'abcdef' f:seek('set', 2) show(f:read(2)) f:seek 'cur' f:write 'XY' f:seek 'set' show(f:read 'a') f:close() os.remove 'out'", "abcdXY" },
  { "what was written goes out before all is read, without a seek between", "local f = io.open('text.txt', 'r+') f:write '##' show(f:read 'a') f:close() show(io.open('text.txt'):read())", "##rst line" },
  { "a large file that is written and then read without a seek keeps both", "local f = io.open('out', 'w') f:write(('0123456789'):rep(2000)) f:close() f = io.open('out', 'r+') f:write 'XY' show(#f:read 'a') f:close() show(io.open('out'):read(9)) os.remove 'out'", "XY2345678" },
  { "a question still in the buffer goes out before the answer is read", "os.execute 'mkfifo both' local f = io.open('both', 'r+') f:write 'line\\n' show(f:read()) f:write 'abc' show(f:read(3)) f:write '12 ' show(f:read 'n') os.remove 'both'", "12" },
  { "reading of a file opened for writing writes what it had", "local f = io.open('out', 'w') f:write 'ab' show(f:read()) show(io.open('out'):read 'a') show(f:read 'a') f:close() os.remove 'out'", "ab" },
  { "reading of a file opened for writing may meet a full device", "local f = io.open('/dev/full', 'w') f:write 'ab' show(f:read())", "No space left on device" },
  { "update in place", "local f = io.open('text.txt', 'r+') show(f:read(3)) f:seek('cur', 0) f:write '###' f:seek 'set' show(f:read()) f:close()", "fir###line" },
  { "seek", "local f = io.open 'text.txt' show(f:seek()) show(f:seek 'end') show(f:seek('set', 3)) show(f:seek('cur', 2)) show(f:read(4)) show(f:seek('end', -3)) show(f:read 'a') show(f:seek('set', -1))", "Invalid argument" },
  { "seek with wrong arguments", "local f = io.open 'text.txt' try(f.seek, f, 'middle') try(f.seek, f, 'set', 1.5) try(f.seek, f, 'set', 'x') try(f.seek, f, 1)", "invalid option" },
  { "seek of a pipe", "local p = io.popen('echo x') show(p:seek()) p:close()", "Illegal seek" },
  { "seek beyond the end and write", "local f = io.open('out', 'w+') f:seek('set', 5) f:write 'x' f:seek 'set' show(f:read 'a') f:close() os.remove 'out'", [[\0\0\0\0\0x]] },
  { "setvbuf", "local f = io.open('out', 'w') show(f:setvbuf 'no') show(f:setvbuf('full', 1024)) show(f:setvbuf 'line') try(f.setvbuf, f) try(f.setvbuf, f, 'big') f:write 'a\\nb' show(io.open('out'):read 'a') f:close() os.remove 'out'", "invalid option" },
  { "an unbuffered file is written at once", "local f = io.open('out', 'w') f:setvbuf 'no' f:write('a', 'b') show(io.open('out'):read 'a') f:close() os.remove 'out'", '"ab"' },
  { "a fully buffered file is written at flush", "local f = io.open('out', 'w') f:write 'ab' show(io.open('out'):read 'a') show(f:flush()) show(io.open('out'):read 'a') f:close() os.remove 'out'", '"ab"' },
  { "flush", "show(io.flush()) show(io.stdout:flush()) local f = io.open 'text.txt' show(f:flush()) show(f:read()) show(f:flush()) show(f:read())", "true" },
  -- how many bytes 5.5 counts depends on the C library's buffer
  { "a full device fails at flush or close", "local f = io.open('/dev/full', 'w') show(f:write 'x') show(f:flush()) local r, why, code = f:write(('x'):rep(100000)) show(r, why, code) show(f:close())", "No space left on device" },
  { "a full device fails at close", "local f = io.open('/dev/full', 'w') f:write 'x' show(f:close()) f = io.open('/dev/full', 'w') f:setvbuf 'no' show(f:write 'x') show(f:close())", "No space left on device" },
  { "print to a full device goes on", "print 'lost' io.stderr:write 'on' os.exit(0, false)", "on", redirect = ">/dev/full" , status = false },

  { "open failures", "show(io.open 'missing') show(io.open('missing/file', 'w')) show(io.open('/', 'w')) show(io.open('text.txt', 'r'))", "missing: No such file or directory" },
  { "modes", "for _, m in ipairs { 'r', 'rb', 'r+', 'rb+', 'r+b', 'w+', 'rw', 'x', '', 'r++', 'rbb', 'a+b', 'R' } do local ok, f = pcall(io.open, 'text.txt', m == 'w+' and 'r+' or m) show(m, ok, ok and io.type(f) or f) end", "invalid mode" },
  { "open with wrong arguments", "try(io.open) try(io.open, {}) try(io.open, 'text.txt', {}) try(io.open, 1)", "bad argument #1" },
  { "a folder can be opened and not be read", "local f = io.open '/' show(f:read()) show(f:read 'a') show(f:read 'n') show(f:read(4)) show(f:read(0)) try(f:lines())", "Is a directory" },
  { "close", "local f = io.open 'text.txt' show(f:close()) try(f.close, f) try(f.read, f) try(f.write, f, 'x') try(f.seek, f) try(f.flush, f) try(f.setvbuf, f, 'no') show(f)", "attempt to use a closed file" },
  { "methods of something else", "try(io.stdout.read, {}) try(io.stdout.write) try(io.stdout.close, 1) try(io.close, 'x') try(io.stdout.lines, nil) try(io.stdout.seek, print)", "FILE*" },
  { "io.type", "local f = io.open 'text.txt' show(io.type(f), io.type(io.stdin), io.type(1), io.type {}) f:close() show(io.type(f)) try(io.type)", "closed file" },
  { "tostring", "local f = io.open 'text.txt' show(f) f:close() show(f) show(io.stdout)", "file (closed)" },
  { "standard files cannot be closed", "show(io.stdin:close()) show(io.stdout:close()) show(io.close(io.stderr)) show(io.close()) show(io.type(io.stdout))", "cannot close standard file" },
  { "files are closed by <close>, and twice is well", "local keep do local f <close> = io.open 'text.txt' keep = f end show(keep) local f <close> = io.open 'text.txt' f:close()", "file (closed)" },
  { "a metatable as it should be", "local m = getmetatable(io.stdout) show(m.__name, type(m.__index), type(m.__gc), type(m.__close), type(m.__tostring)) show(debug.getregistry()['FILE*'] == m)", "FILE*" },
  { "handles have no fields", "try(function() io.stdout.x = 1 end) show(io.stdout.x)", "attempt to index a FILE* value" },
  { "io has what it should", "local n = {} for k in pairs(io) do n[#n + 1] = k end table.sort(n) show(table.concat(n, ' ')) n = {} for k in pairs(getmetatable(io.stdout).__index) do n[#n + 1] = k end table.sort(n) show(table.concat(n, ' '))", "close flush input lines open" },

  { "io.input and io.output by name", "show(io.output 'out') io.write 'written' show(io.close()) io.output(io.stdout) show(io.input 'out' == io.input()) show(io.read 'a') io.close(io.input()) os.remove 'out'", "written" },
  { "io.input by handle", "local f = io.open 'text.txt' show(io.input(f) == f) show(io.read()) f:close() try(io.read) try(io.lines) try(io.input, f)", "default input file is closed" },
  { "a closed default output", "local f = io.open('out', 'w') io.output(f) f:close() local ok, e = pcall(io.write, 'x') io.stderr:write(tostring(e)) ok, e = pcall(io.flush) io.stderr:write(tostring(e)) ok, e = pcall(io.close) io.stderr:write(tostring(e)) os.remove 'out'", "default output file is closed" },
  { "io.input of a missing file", "try(io.input, 'missing') try(io.output, '/missing/x') try(io.input, {}) try(io.output, 5)", "cannot open file" },
  { "io.tmpfile", "local f = io.tmpfile() f:write 'abc' f:seek 'set' show(f:read 'a') show(f:close()) show(io.type(f))", "abc" },

  { "popen reads", "local p = io.popen('printf \"a\\nb\"') show(p:read 'a') show(p:close()) show(io.type(p))", [["exit" 0]] },
  { "popen by lines", "for l in io.popen('echo one; echo two'):lines() do show(l) end", "two" },
  { "popen writes", "local p = io.popen('cat', 'w') p:write('to cat\\n', 5, '\\n') show(p:close())", "to cat" },
  { "popen writes much", "local p = io.popen('wc -c', 'w') for i = 1, 300 do p:write(('x'):rep(1000)) end show(p:close())", "300000" },
  { "popen's status", "show(io.popen('exit 3'):close()) show(io.popen('kill -9 $$'):close()) show(io.popen('kill -15 $$', 'w'):close()) show(io.popen('missing-command 2>/dev/null'):close())", [["signal" 9]] },
  { "popen with wrong arguments", "try(io.popen) try(io.popen, 'true', 'rw') try(io.popen, 'true', 'x') try(io.popen, 'true', 'rb') try(io.popen, 'true', '')", "invalid mode" },
  { "what was printed comes before what popen does", "io.write 'before ' local p = io.popen('echo amid', 'w') p:close() io.write 'behind'", "before amid" },
  { "a pipe that nobody reads ends the program by SIGPIPE", "local p = io.popen('exec <&-; sleep 0.1', 'w') for i = 1, 100 do p:write(('x'):rep(10000)) p:flush() end show 'not reached'", "", status = 141 },
  { "a command that is collected is waited for at the end", "io.popen('sleep 0.1; echo child >&2') io.stderr:write 'main '", "main child" },

  { "execute", "show(os.execute 'exit 0') show(os.execute 'exit 7') show(os.execute 'kill -9 $$') show(os.execute 'missing-command 2>/dev/null') show(os.execute()) try(os.execute, {})", [[nil "exit" 7]] },
  { "execute does not flush", "io.write 'behind ' os.execute('printf amid')", "amid" },
  { "execute reads the same input", "show(io.read()) os.execute 'cat >/dev/null'", "one", stdin = "one\ntwo\n" },
  { "a child has the environment and the ignored signals", "os.execute 'echo $MARK' os.execute 'trap' ", "marked", env = { MARK = "marked" } },
  { "remove and rename", "io.open('a', 'w'):close() show(os.rename('a', 'b')) show(os.remove 'b') show(os.remove 'b') show(os.rename('a', 'b')) show(os.remove '/') try(os.remove) try(os.rename, 'a') try(os.rename, {}, 'b')", "b: No such file" },
  { "remove of an empty folder", "os.execute 'mkdir d' show(os.remove 'd') os.execute 'mkdir d; touch d/f' show(os.remove 'd') os.execute 'rm -r d'", "Directory not empty" },
  { "tmpname", "local n = os.tmpname() show((n:gsub('lua_.*', ''))) show(io.open(n):read 'a') show(os.remove(n))", "/tmp/" },

  { "print", "print() print(nil) print(1, 2.0, 'x', true, nil) print('a\\0b') print(('x'):rep(10000))", "1\t2.0\tx\ttrue\tnil" },
  { "print uses __tostring and __name", "print(setmetatable({}, { __tostring = function() return 'mine' end })) print((tostring(setmetatable({}, { __name = 'Mine' })):gsub('0x%x+', 'A')))", "mine" },
  { "print writes what comes before an error in __tostring", "try(print, 'before', setmetatable({}, { __tostring = function() error('no text', 0) end }), 'behind') try(print, setmetatable({}, { __tostring = function() return 1 end }))", "before" },
  { "print and what __tostring writes come in order", "print(1, setmetatable({}, { __tostring = function() io.write 'amid' return 'two' end }), 3)", "1amid\ttwo\t3" },
  { "print goes to standard output, not to the default one", "io.output 'out' print 'shown' io.close() show(io.open('out'):read 'a') os.remove 'out'", "shown" },
  { "print and write keep their order", "io.write 'a' print 'b' io.write 'c' io.stdout:write 'd' print 'e'", "ab\ncde" },
  { "print and standard error keep their order", "io.write 'a' io.stderr:write 'b' print 'c' io.stderr:write('d', 1, '\\n')", "c", redirect = "2>&1" },

  { "dofile and loadfile", "show(dofile 'hash.lua') show(dofile 'bom.lua') show(loadfile('bom_hash.lua')(5)) show(loadfile('hash_only.lua')())", "marked" },
  { "loadfile failures", "show(loadfile 'missing') show(loadfile 'bad.lua') show(loadfile '/') show(loadfile('env.lua', 'b')) show(loadfile('env.lua', 't', { value = 5 })()) try(loadfile, {})", "cannot open missing" },
  { "loadfile of a binary chunk", "local f = io.open('bin', 'wb') f:write(string.dump(function() return 'binary' end)) f:close() show(loadfile('bin')()) show(loadfile('bin', 't')) show(loadfile('bin', 'b')()) f = io.open('bin', 'wb') f:write('# first\\n', string.dump(function() return 'behind' end)) f:close() show(loadfile('bin')()) os.remove 'bin'", "binary" },
  { "dofile failures", "try(dofile, 'missing') try(dofile, 'bad.lua') try(dofile, 'raises.lua') try(dofile, {})", "from the file" },
  { "dofile yields", "io.open('y.lua', 'w'):write('return coroutine.yield(...)'):close() local co = coroutine.wrap(function() return dofile 'y.lua' end) show(co()) show(co(5)) os.remove 'y.lua'", "5" },
  { "loadfile of standard input", "show(loadfile()()) show(io.read())", "from stdin", stdin = "return 'from stdin'" },
  { "a chunk from standard input is named so", "show(loadfile()) show(select(2, pcall(dofile)))", "stdin:1:", stdin = "x = = 1" },
  { "require", "package.path = './?.lua' local m, p = require 'mod' show(m.name, m.path, p) show(require 'mod' == m)", "./mod.lua" },
  { "require failures", "package.path, package.cpath = './?.lua;./?/init.lua', './?.so' try(require, 'missing') try(require, 'bad') try(require, 'raises') package.path = nil try(require, 'x')", "error loading module 'bad' from file './bad.lua'" },
  { "the searcher of Lua files", "package.path = './?.lua' show(type(package.searchers[2]('mod'))) show(select(2, package.searchers[2]('mod'))) show(package.searchers[2]('missing')) try(package.searchers[2])", "./mod.lua" },
}

stock.same("standard input that is closed", { args = { "-e", PRELUDE .. "show(io.read()) show(io.read 'a')" }, redirect = "<&-",
  shows = "Bad file descriptor" })
stock.same("standard output that is closed", { args = { "-e", "print 'x' io.stderr:write(tostring(io.write 'x'):sub(1, 4), tostring(select(2, io.stdout:flush())))" },
  redirect = ">&-", shows = "Bad file descriptor", status = false })

stock.finish()
