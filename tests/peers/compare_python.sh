#!/bin/bash
# compare_python.sh GILUA RUN_PYTHON FOLDER: each NAME.py of the folder under python3 and NAME.lua under gilua must print the same;
# words that the languages have for the same (None and nil, True and true) and the white space between values are alike.
# Differences that are meant stand in docs/coming_from_python.md and in no pair. PEERS_ONLY='queue*' runs some.
gilua=$(realpath -s "${1:?}"); run=$(realpath "${2:?}"); folder=$(realpath "${3:?}"); failed=0
python=$(command -v /usr/bin/python3) || { echo "1..0 # SKIP no python3"; exit 0; }
dir=$(mktemp -d "${TEST_TMPDIR:-/tmp}/peers.XXXXXX"); trap 'rm -rf "$dir"' EXIT
mkdir "$dir/py" "$dir/lua"
names=(); for script in "$folder"/${PEERS_ONLY:-*}.py; do names+=("$(basename "$script" .py)"); done
(cd "$dir" && exec "$python" "$run" "$folder" "$dir/py" "${names[@]}") </dev/null &
for name in "${names[@]}"; do
  (cd "$dir" && timeout -k 2 300 "$gilua" "$folder/$name.lua" >"lua/$name" 2>&1; echo "status $?" >>"lua/$name") </dev/null
done
wait
sed -i -e 's/\bNone\b/nil/g; s/\bTrue\b/true/g; s/\bFalse\b/false/g; s/[[:space:]]\+/ /g; s/ $//' "$dir"/{py,lua}/*
for name in "${names[@]}"; do
  if diff "$dir/py/$name" "$dir/lua/$name" >"$dir/diff" && grep -q '^status 0$' "$dir/py/$name"; then echo "ok - $name"; continue; fi
  echo "not ok - $name: python (<) and gilua (>)"; cat "$dir/diff"; failed=1
done
for script in "$folder"/*.lua; do
  [ -e "${script%.lua}.py" ] || { echo "not ok - $script has no peer"; failed=1; }
done
exit $failed
