#!/usr/bin/env bash
# Installs what was built into a folder, and tests what users get: only the installed headers and libraries are used.
#   api_test.sh bind | embed | native | offload | stock | layout | examples
set -u
root=$PWD work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
outcome() { # outcome STATUS SENTENCE
  if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; failures=$((failures + 1)); fi
}

tools/install --prefix "$work/usr" --from "$root" 2>"$work/log" || { cat "$work/log"; exit 1; }
lib=$work/usr/lib
export PKG_CONFIG_PATH=$lib/pkgconfig
# shellcheck disable=SC2207
flags=(-g -Wall -Wextra -Werror $(pkg-config --cflags gilua))
# shellcheck disable=SC2207
libs=($(pkg-config --libs gilua) "-Wl,-rpath,$lib")
static=("$lib/libgilua.a" -llua5.4 -lm -pthread $(pkg-config --static --libs-only-l gilua | grep -o -- "-lffi\|-ldl"))
sanitized=""
for s in address undefined thread; do
  case $s in address) mark=__asan_init ;; undefined) mark=__ubsan_handle ;; thread) mark=__tsan_init ;; esac
  if nm "$lib/libgilua.a" 2>/dev/null | grep -q "$mark"; then flags+=("-fsanitize=$s"); sanitized=$s; fi
done
asserts() { nm "$lib/libgilua.a" 2>/dev/null | grep -q __assert_fail; }
module() { gcc "${flags[@]}" -fPIC -shared "$@"; }

# Nothing is left out: what is not understood is an error with its line, which is told in the words behind it.
bind_refuses() {
  local text line words
  while IFS='|' read -r text line words; do
    printf '/* module: m */\n\n%b\n' "$text" >"$work/bad.h"
    "$gilua" bind "$work/bad.h" >"$work/out" 2>"$work/log"
    [ $? -eq 1 ] && grep -q "^gilua bind: bad.h:$line: .*$words" "$work/log" && [ ! -s "$work/out" ] || cat "$work/log" >&2
    grep -q "^gilua bind: bad.h:$line: .*$words" "$work/log"
    outcome $? "bind refuses: $text"
  done <<'TABLE'
/* nogill */\nint f(int a);|4|unknown annotation 'nogill'
int g(int a);\n\n/* errr: nonzero */\nint f(int a);|6|unknown annotation 'errr: nonzero'
/* error: sometimes */\nint f(int a);|4|error: negative, nonzero or null
/* error: null */\nint f(int a);|4|does not fit the result
/* error: negative */\nunsigned f(int a);|4|which never is
/* error: negative */\nsize_t f(int a);|4|which never is
void f(double v[0] /* out */);|3|an array of 0 elements
void f(double v[1000000] /* out */);|3|an array of 1000000 elements
/* message: x */\nint f(int a);|4|message without error
/* gil; nogil */\nint f(int a);|4|not both
/* gil; gil */\nint f(int a);|4|stands twice
/* name: a b */\nint f(int a);|4|is no name
int f(int a,\n int b /* outt */);|3|unknown annotation 'outt'
int f(int *a /* out */ /* bytes */);|3|two annotations
int f(int a /* out */);|3|'out' does not fit parameter 'a'
int f(const int *a /* out */);|3|'out' does not fit
int f(float *a /* bytes */);|3|'bytes' does not fit
int f(short *a /* array */);|3|'array' does not fit
int f(int n /* length of x */);|3|is the length of nothing
int f(const char *s /* bytes */, double n /* length of s */);|3|does not fit
int f(char *s /* out bytes */);|3|has no length
int f(int v[3]);|3|needs an annotation
int f(int v[3][3] /* out */);|3|cannot read
int f(int a, ...);|3|'...' cannot be bound
int f(int a, int a);|3|two parameters are named 'a'
int f(int);|3|cannot read 'int'
char *f(void);|3|who frees
void *f(void);|3|cannot be bound
struct S f(void);|3|cannot be bound
int f(int (*g)(int));|3|needs the annotation callback
int f(int (*g)(int, void *) /* callback */);|3|has no data
int f(int (*g)(int) /* callback */, void *d /* data of g */);|3|needs one void
/* nogil */\nvoid f(void (*g)(void *) /* callback */, void *d /* data of g */);|4|leave nogil out
int f(int a);\nint f(int a);|4|two functions are named 'f'
/* name: g */\nint f(int a);\nint f(int a);|5|stands twice
int f(unsigned int);|3|'int' is a word of C
/* name: and */\nint f(int a);|4|'and' is a word of Lua
int end(int a);|3|'end' is a word of Lua
int L(int a);|3|'L' is a name of the code
int result(int a);|3|'result' is a name of the code
int element(int a);|3|'element' is a name of the code
int v_a(int a);|3|'v_a' is a name of the code
int bind_f(int a);\nint f(int a);|3|'bind_f' is a name of the code
int f(const int v[k]);|3|'k' is a name of the code
/* free: L */\nchar *f(void);|4|'L' is a name of the code
/* handle: T closed by object */\n\nint f(int a);|3|'object' is a name of the code
enum e { L };\nint f(int a);|3|'L' is a name of the code
enum e { f };\nint f(int a);|1|a function and a constant are named 'f'
int f(int a)|3|';' is missing
int f(int a) __attribute__((pure));|3|behind a prototype
static int f(int a);|3|'static' cannot be bound
#define N 3\nint f(int a);|3|only #include is read
int variable;\nint f(int a);|3|only prototypes
typedef struct { int a; } S;\nint f(int a);|3|only prototypes
int f(int a); /* lost */|3|stands before no prototype
/* modul: x */\n\nint f(int a);|3|it is no directive
/* handle: T by f */\n\nint f(int a);|3|handle: TYPE closed by FUNCTION
/* type: T is long*3 */\n\nint f(int a);|3|type: NAME is TYPE
/* type: T is unknown */\n\nint f(int a);|3|is no number
/* module: a.b */\n\nint f(int a);|3|is no name
/* module: n */\n\nint f(int a);|3|module stands twice
/* prefix: a_ */\n/* prefix: b_ */\n\nint f(int a);|4|prefix stands twice
int f(int a); /* never ends|3|does not end
|1|no prototypes
TABLE
}

bind() {
  local zlib=examples/bind_zlib gilua=$work/usr/bin/gilua
  (cd "$work" && "$gilua" bind "$root/$zlib/zlib_bind.h" -o bound_zlib.c) && module "$work/bound_zlib.c" -lz \
    -o "$work/bound_zlib.so" && LUA_CPATH="$work/?.so" "$gilua" $zlib/use_zlib.lua | cmp - $zlib/expected.txt
  outcome $? "the installed program binds a library from anywhere, and its source compiles against the installed headers"
  "$gilua" bind $zlib/zlib_bind.h | cmp - "$work/bound_zlib.c"
  outcome $? "without -o it writes to the standard output"
  LUA_INIT='error "no"' LUA_PATH=/nowhere "$gilua" bind $zlib/zlib_bind.h >"$work/out" 2>"$work/log" && cmp -s "$work/out" "$work/bound_zlib.c"
  outcome $? "the environment of scripts does not matter"
  "$gilua" bind --help | grep -q "^usage: gilua bind MODULE.h"
  outcome $? "bind --help shows the usage"
  local wrong
  for wrong in "" "-x" "a.h b.c c" "a.h -o" "a.h b.h" "a.h -o b.h" "a.h -o b.c -o c.c"; do
    "$gilua" bind $wrong >"$work/out" 2>"$work/log"
    [ $? -eq 2 ] && grep -q "^usage: gilua bind" "$work/log" && [ ! -s "$work/out" ]
    outcome $? "arguments that are wrong show the usage: bind $wrong"
  done
  "$gilua" bind $zlib/zlib_bind.h 2>"$work/log" >/dev/full
  [ $? -eq 1 ] && grep -q "No space left" "$work/log"
  outcome $? "bind tells when its output cannot be written"
  "$gilua" bind "$work" >"$work/out" 2>"$work/log"
  [ $? -eq 1 ] && grep -q "^gilua bind: $work: Is a directory" "$work/log"
  outcome $? "bind tells that a folder is no header"
  echo "int f(int *x);" >"$work/bad.h"
  echo kept >"$work/kept.c"
  "$gilua" bind "$work/bad.h" -o "$work/kept.c" 2>"$work/log"
  [ $? -eq 1 ] && grep -q "^gilua bind: bad.h:1: f: parameter 'x' of type 'int \*' needs an annotation" "$work/log" &&
    grep -q kept "$work/kept.c"
  outcome $? "prototypes that cannot be bound are a clear error, and the output is left alone"
  (cd "$work" && "$gilua" bind "$root/tests/api/bind/all_bind.h" -o bound_all.c) && module "$work/bound_all.c" \
    -I"$root/tests/api/bind" -o "$work/bound_all.so" &&
    [ "$(LUA_CPATH="$work/?.so" "$gilua" tests/api/bind/bind_test.lua)" = bound ]
  outcome $? "each kind of parameter and result arrives, and mistakes say what is taken"
  if [ -z "$sanitized" ]; then
    [ "$(LUA_CPATH="$work/?.so" lua5.4 tests/api/bind/bind_test.lua)" = bound ]
    outcome $? "and in a plain Lua"
  fi
  local seed=${TEST_RANDOM_SEED:-1}
  for seed in "$seed" $((seed + 1)) $((seed + 2)); do
    rm -rf "$work/oracle" && mkdir "$work/oracle"
    CC_WORDS="${flags[*]}" "$gilua" tests/api/bind/oracle.lua "$seed" "$work/oracle"
    outcome $? "random prototypes take and give what C says, and nothing else (seed $seed)"
  done
  bind_refuses
  "$gilua" bind /nowhere.h 2>"$work/log"
  [ $? -eq 1 ] && grep -q "^gilua bind: /nowhere.h: No such file" "$work/log"
  outcome $? "a missing file is a clear error"
  "$gilua" bind $zlib/zlib_bind.h -o /nowhere/x.c 2>"$work/log"
  [ $? -eq 1 ] && grep -q "^gilua bind: /nowhere/x.c: No such file" "$work/log"
  outcome $? "an output that cannot be written is a clear error"
}

embed() {
  local program name
  gcc -std=c11 -D_POSIX_C_SOURCE=200809L "${flags[@]}" -Itests/api/hosts tests/api/both_languages.c "${static[@]}" -o "$work/c" || exit 1
  "$work/c" || failures=$((failures + 1))
  g++ -std=c++17 -x c++ "${flags[@]}" -Itests/api/hosts -c tests/api/both_languages.c -o "$work/both.o" || exit 1
  g++ "${flags[@]}" "$work/both.o" "${static[@]}" -o "$work/cpp" || exit 1
  "$work/cpp" >"$work/log" 2>&1
  outcome $? "the same program as C++17"
  for program in tests/api/hosts/*_test.c; do
    name=$(basename "$program" _test.c)
    gcc -std=gnu11 "${flags[@]}" "$program" "${static[@]}" -o "$work/static" || exit 1
    (cd "$work" && ./static) || failures=$((failures + 1))
    [ -n "$sanitized" ] && continue
    gcc -std=gnu11 "${flags[@]}" "$program" "${libs[@]}" -o "$work/shared" || exit 1
    (cd "$work" && ./shared) >"$work/log" 2>&1 || { grep -v "^ok" "$work/log"; false; }
    outcome $? "the same with libgilua.so: $name"
  done
}

native() {
  module tests/api/native_module.c -o "$work/native_module.so" || exit 1
  export GILUA=$work/usr/bin/gilua LUA_PATH="$root/tests/lua/?.lua;;" LUA_CPATH="$work/?.so"
  "$GILUA" tests/api/native_test.lua || failures=$((failures + 1))
  local misused='package.cpath = package.cpath; local ok = pcall(require"native_module".'
  if asserts; then
    "$GILUA" -e "require'native_module'.misuse()" >"$work/log" 2>&1
    [ $? -gt 1 ] && grep -q "without the lock" "$work/log"
    outcome $? "Lua in a region is caught by a build with asserts"
  fi
  "$GILUA" -e "require'native_module'.jump()" >"$work/log" 2>&1
  [ $? -gt 1 ] && grep -q "a jump out of a GILUA_BLOCKING block" "$work/log"
  outcome $? "a jump out of a block is caught"
  mkdir "$work/old" && sed 's/^#define GILUA_ABI .*/#define GILUA_ABI 9900/' "$work/usr/include/gilua_native.h" >"$work/old/gilua_native.h"
  cp "$work/usr/include/gilua.h" "$work/old/"
  gcc -fPIC -shared -I"$work/old" "${flags[@]}" tests/api/native_module.c -o "$work/old/native_module.so" || exit 1
  LUA_CPATH="$work/old/?.so" "$GILUA" -e "require'native_module'" >"$work/log" 2>&1
  [ $? -eq 1 ] && grep -q "compiled for version 99.0 of gilua's native interface" "$work/log"
  outcome $? "a module with another ABI tag is a clear error"
  module -O1 -fsemantic-interposition tests/api/own_names_module.c -o "$work/own_names_module.so" || exit 1
  "$GILUA" -e 'assert(require "own_names_module"() == 100)'
  outcome $? "a module's functions are its own, whatever they are called"
  [ -n "$sanitized" ] && return
  LUA_CPATH="$work/?.so" lua5.4 -e 'local m = require "native_module"; assert(m.region(1) == 77 and m.nested())
    assert(m.wait(5) == 0 and m.wait(1000, true) == 1) m.busy{stop = true}'
  outcome $? "the module works in a plain Lua host"
  LUA_CPATH="$work/?.so;$lib/lua/5.4/?.so" lua5.4 -e 'local m = require "native_module"; assert(m.region(1) == 77)
    local threading = require "gilua".threading
    local n, stop = 0, false
    local t = threading.start(function() while not stop do n = n + 1 end end)
    repeat m.region(20) until n > 1000 stop = true t:join()'
  outcome $? "loaded before gilua in a stock interpreter, its regions let threads run"
  module -DFLAGS=GILUA_ONE_RUNTIME tests/api/native_module.c -o "$work/one.so" || exit 1
  mkdir "$work/single" && mv "$work/one.so" "$work/single/native_module.so"
  gcc "${flags[@]}" tests/api/two_runtimes.c "${libs[@]}" -Wl,-E -o "$work/two" || exit 1
  LUA_CPATH="$work/single/?.so" "$work/two"
  outcome $? "a module for one runtime is refused in a second one, and usable again when the first has closed"
  LUA_CPATH="$work/?.so" "$work/two" many
  outcome $? "a module for many runtimes is loaded in both"
}

offload() {
  module tests/api/offload_module.c -o "$work/offload_module.so" || exit 1
  export LUA_PATH="$root/tests/lua/?.lua;;" LUA_CPATH="$work/?.so"
  "$work/usr/bin/gilua" tests/api/offload_test.lua || failures=$((failures + 1))
  [ -n "$sanitized" ] && return
  lua5.4 -e 'local m = require "offload_module"
    assert(m.offload(function(a) return a + 1 end, 1) == 2 and not pcall(m.offload, error))
    local code, e = m.submit(nil, print) assert(code == -6 and e:find "no runtime" and select(2, m.result({})) == e)'
  outcome $? "in a plain Lua host a function is called at once, and nothing can be submitted"
  LUA_CPATH="$LUA_CPATH;$lib/lua/5.4/?.so" lua5.4 -e 'local g, m = require "gilua", require "offload_module"
    assert(m.offload(function(a) return a + 1 end, 1) == 2)'
  outcome $? "a stock interpreter with gilua has the pool"
}

stock() {
  local so=$lib/lua/5.4/gilua.so
  [ -n "$sanitized" ] && { echo "ok - skipped: a sanitizer's run-time is not in lua5.4"; return; }
  ! ldd "$so" | grep -q liblua
  outcome $? "gilua.so is not linked to a Lua library"
  ! nm -D --defined-only "$so" | grep -qE ' [TDBV] lua(_|L_)'
  outcome $? "gilua.so brings no second Lua"
  readelf -d "$so" | grep -q NODELETE
  outcome $? "gilua.so is never unloaded"
  export LUA_CPATH="$lib/lua/5.4/?.so"
  local first what
  for first in ctypes futures gil multiprocessing native pickle queue threading time; do
    lua5.4 -e "local m = require 'gilua.$first'; assert(type(m) == 'table' and require 'gilua'['$first'] == m)
      assert(require 'gilua.threading'.start(function() return 7 end):result() == 7)"
    outcome $? "gilua.$first may be required first"
  done
  [ "$(lua5.4 tests/api/stock_threads.lua)" = "main done
thread done" ]
  outcome $? "the interpreter waits for its threads at the end"
  [ "$(lua5.4 tests/api/stock_process_at_the_end.lua)" = "child waited
process ended with 3" ]
  outcome $? "a thread may start a process, which waits, while the interpreter waits for it at the end"
  [ "$(timeout 100 lua5.4 tests/api/stock_tasks_at_the_end.lua | sort)" = "array	1
mapped by a process	3
mapped by a process	4
mapped by a thread	5
mapped by a thread	6
queue	2
unordered	7
unordered	8" ]
  outcome $? "what was submitted is done at the end of the interpreter, also with arrays, queues and maps that are younger than their pool"
  [ "$(lua5.4 -e 'require "gilua".threading.start(function() for i = 1, 1e9 do end end)
    setmetatable(require "gilua".threading.Thread{daemon = true, target = function() while true do end end}:start(), nil)' \
    2>&1 | head -c 100 | wc -c)" -ge 0 ]
  local program spawn='print(select(2, pcall(function()
    return require "gilua.futures".ProcessPoolExecutor{max_workers = 1, start = "spawn"}:submit(math.abs, -3):result()
  end)))'
  [ "$(GILUA_PROGRAM=$work/usr/bin/gilua lua5.4 -e "$spawn")" = 3 ]
  outcome $? "GILUA_PROGRAM names the program of workers that are executed anew"
  printf '#!/bin/sh\nexec "%s" "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" another-version\n' "$work/usr/bin/gilua" >"$work/other"
  chmod +x "$work/other"
  for program in "$work/other" /bin/true; do
    GILUA_PROGRAM=$program lua5.4 -e "$spawn" | grep -q "^broken_pool: .* is no gilua, or another version of it"
    outcome $? "a program that is another version of gilua, or none, is told: ${program##*/}"
  done
  lua5.4 -e 'local th = require "gilua".threading
    th.Thread{daemon = true, target = function() while true do end end}:start() print "end"' >"$work/log" 2>&1
  [ $? -eq 0 ] && [ "$(cat "$work/log")" = end ]
  outcome $? "a daemon does not keep it"
  lua5.4 -e 'local th = require "gilua".threading; th.start(function() os.exit(7) end):join() print "not here"' >"$work/log" 2>&1
  [ $? -eq 7 ] && [ ! -s "$work/log" ]
  outcome $? "os.exit in a thread ends it"
  local close
  for close in false true; do
    timeout 200 lua5.4 -e "local g = require 'gilua' g.threading.start(os.exit, 3, $close) g.time.sleep(1000)" >"$work/log" 2>&1
    [ $? -eq 3 ] && [ ! -s "$work/log" ]
    outcome $? "os.exit(3, $close) in a thread ends it while main waits"
  done
  lua5.4 -e 'local co = coroutine.wrap(function() return require "gilua" end); local g = co() co = nil collectgarbage()
    local th, n, stop = g.threading, 0, false
    local t = th.start(function() while not stop do n = n + 1 end end)
    while n < 1000 do end stop = true t:join()'
  outcome $? "required inside a coroutine it preempts the main chunk"
  lua5.4 -e 'local ok, e = pcall(function() require "gilua".threading.start(error, "x"):result() end) assert(e == "x")' 2>"$work/log"
  outcome $? "errors of threads reach the one who asks"
  for what in kept removed; do
    lua5.4 tests/api/stock_hooks.lua $what
    outcome $? "hooks that were set before gilua was required are the program's own, and go on after waits: $what"
  done
  for what in 'while true do end' 'require "gilua".time.sleep(1000)' 'require "gilua".threading.Event():wait()' \
    'local t = require "gilua".threading.Thread{daemon = true, target = function() while true do end end}:start() t:join()' \
    'local p <close> = g.futures.ThreadPoolExecutor(1) for _ = 1, 9 do p:submit(g.time.sleep, 1000) end g.time.sleep(1000)'; do
    LUA_INIT="" lua5.4 -e "local g = require 'gilua'; g.threading.start(function() g.time.sleep(0.001) end)
      io.stdout:write('go\n') io.stdout:flush() $what" >"$work/out" 2>"$work/err" &
    local pid=$!
    while [ ! -s "$work/out" ]; do sleep 0.01; done
    sleep 0.05
    kill -INT $pid
    wait $pid
    [ $? -eq 1 ] && grep -q "interrupted!" "$work/err"
    outcome $? "Ctrl-C of the interpreter ends: $what"
  done
}

layout() {
  local f
  for f in bin/gilua include/gilua.h include/gilua_native.h lib/libgilua.a lib/libgilua.so lib/libgilua.so.0 \
    lib/pkgconfig/gilua.pc lib/lua/5.4/gilua.so lib/cmake/gilua/gilua-config.cmake share/man/man1/gilua.1 \
    share/bash-completion/completions/gilua share/gilua/annotations/threading.lua; do
    [ -e "$work/usr/$f" ] || { echo "# $f is missing"; failures=1; }
  done
  tools/install --prefix /opt/gilua --destdir "$work/stage" --from "$root" 2>/dev/null
  [ -x "$work/stage/opt/gilua/bin/gilua" ] && grep -q '^prefix=/opt/gilua$' "$work/stage/opt/gilua/lib/pkgconfig/gilua.pc"
  outcome $? "--destdir is put before the prefix, and not remembered"
  tools/install --prefix /opt/gilua --libdir /opt/lib64 --destdir "$work/wide" --from "$root" 2>/dev/null
  [ -e "$work/wide/opt/lib64/libgilua.so" ] && grep -q '^libdir=/opt/lib64$' "$work/wide/opt/lib64/pkgconfig/gilua.pc"
  outcome $? "--libdir is where the libraries go"
  tools/install --prefix "$work/a folder" --from "$root" 2>/dev/null
  (eval "set -- $(PKG_CONFIG_PATH="$work/a folder/lib/pkgconfig" pkg-config --cflags --libs gilua)"
   [ "$1" = "-I$work/a folder/include" ] && printf '%s\n' "$@" | grep -qx -e "-L$work/a folder/lib")
  outcome $? "pkg-config knows a prefix with a blank in it"
  echo "mine" >"$work/stage/opt/gilua/bin/mine"
  tools/install --prefix /opt/gilua --destdir "$work/stage" --uninstall 2>/dev/null
  [ "$(cd "$work/stage" && find . -type f -o -type l)" = ./opt/gilua/bin/mine ]
  outcome $? "--uninstall removes all that was installed, and nothing else"
  local named
  for named in $("$work/usr/bin/gilua" --help | grep -oE '^  --?[a-zA-Z][a-z-]*' | tr -d ' '); do
    sed 's/\\//g' "$work/usr/share/man/man1/gilua.1" | grep -q -- "$named" &&
      grep -q -- "$named" "$work/usr/share/bash-completion/completions/gilua"
    outcome $? "the manual page and the completion know $named"
  done
  [ "$(pkg-config --modversion gilua)" = "$(sed -n 's/.*GILUA_VERSION "\(.*\)"/\1/p' "$work/usr/include/gilua.h")" ]
  outcome $? "pkg-config knows the version"
  for f in gilua gilua_native; do
    printf '#include <%s.h>\nint x;\n' $f >"$work/h.c"
    gcc -std=c11 -Wpedantic "${flags[@]}" -fsyntax-only "$work/h.c"
    outcome $? "$f.h is C11 and stands alone"
    g++ -std=c++17 -x c++ "${flags[@]}" -fsyntax-only "$work/h.c"
    outcome $? "$f.h is C++17"
    command -v clang >/dev/null || continue
    clang -std=c11 "${flags[@]/-fsanitize=*/}" -fsyntax-only "$work/h.c" && clang++ -std=c++17 -x c++ "${flags[@]/-fsanitize=*/}" -fsyntax-only "$work/h.c"
    outcome $? "$f.h is C11 and C++17 for clang"
  done
  # lua.org's headers have no extern "C" of their own, Debian's have
  mkdir "$work/plain" && cp "$(pkg-config --variable=includedir lua5.4)"/*.h "$work/plain/" 2>/dev/null || cp /usr/include/lua5.4/*.h "$work/plain/"
  sed -i 's/^#define LUA_API *extern "C"/#define LUA_API extern/' "$work/plain/luaconf.h"
  printf '#include <gilua_native.h>\nint main() { lua_State *L = luaL_newstate(); gilua_check(L); lua_close(L); }\n' >"$work/plain.cc"
  g++ -I"$work/plain" "${flags[@]}" "$work/plain.cc" "${libs[@]}" -o "$work/plain.out" && "$work/plain.out"
  outcome $? "a C++ program with the headers of lua.org links and runs"
  exported() { nm "$@" --defined-only | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | grep -v '^gilua_native_found$' | sort -u; }
  # shellcheck disable=SC2016
  local what file filter wanted=tests/api/exported.txt
  while read -r what file filter; do
    # shellcheck disable=SC2086
    exported $what "$work/usr/$file" | grep -Ev "$filter" | grep -Ev "@|^__|^(lua|luaL)_|^luaopen_(base|coroutine|debug|io|math|os|package|string|table|utf8)$" |
      diff - <(grep -Ev "$filter" "$wanted") >"$work/log" || { sed 's/^/# /' "$work/log"; false; }
    outcome $? "$file exports the names of the list and no other"
  done <<'NAMES'
-D bin/gilua ^$
-D lib/libgilua.so ^$
-g lib/libgilua.a ^$
-D lib/lua/5.4/gilua.so ^gilua_
NAMES
  local bad
  bad=$(awk '/^(int|void|const char \*|typedef struct)[^;]*\(/ && prev !~ /\*\/$/ && prev !~ /;$/ { print FILENAME ": " $0 } { prev = $0 }' \
    "$work/usr/include/gilua.h")
  [ -z "$bad" ] || echo "# $bad"
  [ -z "$bad" ]
  outcome $? "every declaration of gilua.h has its comment"
}

examples() {
  gcc -std=gnu11 "${flags[@]}" examples/embed.c "${static[@]}" -o "$work/embed" || exit 1
  [ "$("$work/embed" examples/embed.lua one two | tail -1)" = "embed.lua got 2 arguments; 3 threads counted to 30000" ]
  outcome $? "examples/embed runs"
  gcc -std=gnu11 "${flags[@]}" examples/host_threads.c "${static[@]}" -o "$work/host" || exit 1
  [ "$("$work/host" | tail -1)" = "4 threads, 4000 messages, 4000 answers" ]
  outcome $? "examples/host_threads runs"
  module examples/slow_sum.c -o "$work/slow_sum.so" || exit 1
  LUA_CPATH="$work/?.so" "$work/usr/bin/gilua" examples/use_slow_sum.lua >"$work/log" 2>&1
  [ $? -eq 0 ] && grep -q '^sums agree' "$work/log"
  outcome $? "examples/slow_sum runs in gilua"
  [ -n "$sanitized" ] && return
  LUA_CPATH="$work/?.so" lua5.4 -e 'print(require "slow_sum".sum{1, 2, 3})' | grep -qx '6.0'
  outcome $? "examples/slow_sum runs in a plain Lua"
}

"$1"
exit $((failures > 0))
