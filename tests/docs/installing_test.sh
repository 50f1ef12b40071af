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
