#!/usr/bin/env bash
# gearmand 1.1.20 (Debian 12): gearadmin --drop-function of a function that no worker offers says OK though jobs wait
# for it; they are not done any more, and who waits for one is not told. --show-jobs lists them further on.
# Guessed: an error while jobs wait, as there is one while workers are connected.
. "$(dirname "$0")/fetch.sh"
fetch_gearmand
port=$((20000 + $$ % 10000))
at=(-h 127.0.0.1 -p "$port")
"$root/usr/sbin/gearmand" --listen=127.0.0.1 -p "$port" -l "$root/log" &
server=$! worker=
trap 'kill -9 $server $worker; wait 2>/dev/null; rm -rf "$root"; exit $changed' EXIT
until gearadmin "${at[@]}" --status >/dev/null 2>&1; do sleep 0.05; done
gearman "${at[@]}" -b -f keep payload
same "waiting" "$(gearadmin "${at[@]}" --status | head -1)" "keep	1	0	0"
same "dropped" "$(gearadmin "${at[@]}" --drop-function keep)" "OK"
same "functions" "$(gearadmin "${at[@]}" --status)" "."
same "jobs" "$(gearadmin "${at[@]}" --show-jobs | cut -f 2-4 | head -1)" "0	0	1"
gearman "${at[@]}" -w -f keep -- sh -c "cat >'$root/done'" &
worker=$!
timeout 20 gearman "${at[@]}" -f keep later >/dev/null
same "what a worker is given then" "$(cat "$root/done")" "later"
same "dropped with its worker" "$(gearadmin "${at[@]}" --drop-function keep 2>&1 | tr -d '\r')" \
  "Error: there are still connected workers or executing clients"
