#!/bin/bash
# compare_python.sh GILUA FOLDER: each NAME.py of the folder under python3 and NAME.lua under gilua must print the same; words that the
# languages have for the same (None and nil, True and true) and the white space between values are alike. Differences that are meant
# stand in FOLDER/differences.md and in no pair.
gilua=$(realpath -s "${1:?}"); folder=$(realpath "${2:?}"); failed=0
python=$(command -v /usr/bin/python3) || { echo "1..0 # SKIP no python3"; exit 0; }
dir=$(mktemp -d "${TEST_TMPDIR:-/tmp}/peers.XXXXXX"); trap 'rm -rf "$dir"' EXIT
alike() { sed -e 's/\bNone\b/nil/g; s/\bTrue\b/true/g; s/\bFalse\b/false/g; s/[[:space:]]\+/ /g; s/ $//'; }
for script in "$folder"/${PEERS_ONLY:-*}.py; do
  name=$(basename "$script" .py)
  (cd "$dir" && timeout -k 2 60 "$python" "$script" 2>&1; echo "status $?") </dev/null | alike >"$dir/py.out"
  (cd "$dir" && timeout -k 2 60 "$gilua" "$folder/$name.lua" 2>&1; echo "status $?") </dev/null | alike >"$dir/lua.out"
  if diff "$dir/py.out" "$dir/lua.out" >"$dir/diff" && grep -q '^status 0$' "$dir/py.out"; then echo "ok - $name"; continue; fi
  echo "not ok - $name: python (<) and gilua (>)"; cat "$dir/diff"; failed=1
done
exit $failed
