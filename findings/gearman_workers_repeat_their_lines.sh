#!/usr/bin/env bash
# gearman 1.1.20 (Debian 12), the command: a worker with -w -n, "data for each line of output", sends with each line all
# lines before it, and so does the result with the last one: a client that prints what comes prints three lines as six.
# Guessed: each line once, as data.
. "$(dirname "$0")/fetch.sh"
fetch_gearmand
port=$((20000 + $$ % 10000))
at=(-h 127.0.0.1 -p "$port")
"$root/usr/sbin/gearmand" --listen=127.0.0.1 -p "$port" -l "$root/log" &
server=$! worker=
trap 'kill -9 $server $worker; wait 2>/dev/null; rm -rf "$root"; exit $changed' EXIT
until gearadmin "${at[@]}" --status >/dev/null 2>&1; do sleep 0.05; done
gearman "${at[@]}" -w -n -f lines -- cat >/dev/null &
worker=$!
same "three lines" "$(printf 'a\nb\nc\n' | timeout 20 gearman "${at[@]}" -f lines | tr '\n' ' ')" "a a b a b c "
