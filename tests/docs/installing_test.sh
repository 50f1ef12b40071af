#!/usr/bin/env bash
# The commands of docs/installing.md, in their order, by a user with an empty home; what was built is installed instead of being
# built again.
set -u
root=$PWD work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export HOME=$work/home from=$root
mkdir "$HOME"
unset PKG_CONFIG_PATH LD_LIBRARY_PATH LUA_CPATH LUA_PATH LUA_INIT
awk -v cmake="$(command -v cmake)" '
  /^<!-- not run: installing_test does/ { wanted = !/where there is cmake/ || cmake != ""; last = /does, last/; next }
  /^```sh$/ && wanted { copying = 1; text = ""; next }
  /^```$/ && copying { if (last) end = text; else printf "%s", text; copying = wanted = last = 0; next }
  copying { text = text $0 "\n" }
  !copying && !/^$/ { wanted = 0 }
  END { printf "%s", end }' docs/installing.md |
  sed "s|tools/install --prefix ~/gilua  |tools/install --prefix ~/gilua --from \"\$from\"  |" >"$work/commands"
[ "$(grep -c . "$work/commands")" -ge 15 ] || { echo "not ok - the commands are found"; exit 1; }
if bash -eux "$work/commands" >"$work/out" 2>"$work/log" </dev/null; then echo "ok - every command of docs/installing.md works"
else
  echo "not ok - every command of docs/installing.md works"
  tail -n 30 "$work/log"
  exit 1
fi
grep -q "^gilua 0" "$work/out" && grep -qx 2 "$work/out" || { echo "not ok - it says what the page says"; cat "$work/out"; exit 1; }
echo "ok - it says what the page says"
left=$(find "$HOME/gilua" -type f -o -type l)
[ -z "$left" ] || { echo "not ok - --uninstall leaves nothing: $left"; exit 1; }
echo "ok - --uninstall leaves nothing"

# What the tools say of mistakes.
refuses() { # refuses WORDS COMMAND…
  local words=$1; shift
  if "$@" >"$work/out" 2>&1 </dev/null; then echo "not ok - $* is refused"; exit 1; fi
  grep -q -- "$words" "$work/out" || { echo "not ok - $* says: $words"; cat "$work/out"; exit 1; }
  echo "ok - $* says: $words"
}
refuses "unknown option '--prefx'" tools/install --prefx=/x
refuses "--prefix needs a folder" tools/install --prefix
refuses "--prefix needs a folder" tools/install --prefix=
refuses "no interp/libgilua.so in '/nowhere'" tools/install --from /nowhere --prefix "$HOME/x"
mkdir "$HOME/closed" && chmod a-w "$HOME/closed"
[ -w "$HOME/closed" ] || refuses "cannot write to .*: run it as root, or give a --prefix" tools/install --from "$root" --prefix "$HOME/closed/x"
tools/install --help >"$work/out" && grep -q -- "--uninstall" "$work/out" || { echo "not ok - tools/install --help helps"; exit 1; }
echo "ok - tools/install --help helps"
