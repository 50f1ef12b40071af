#!/usr/bin/env bash
# gearmand 1.1.20 (Debian 12): gearadmin --cancel-job of a job that a worker is doing fails it for its client at once, while the
# worker goes on to its end.
# Guessed: a running job cannot be cancelled there, and the client gets what the worker returns.
. "$(dirname "$0")/fetch.sh"
fetch_gearmand
port=$((20000 + $$ % 10000)) at="-h 127.0.0.1 -p"
mkfifo "$root/began" "$root/go"
"$root/usr/sbin/gearmand" --listen=127.0.0.1 -p $port -l "$root/log" &
server=$!
trap 'kill $server; rm -rf "$root"; exit $changed' EXIT
until gearadmin $at $port --status >/dev/null 2>&1; do sleep 0.05; done
gearman $at $port -w -f work -c 1 -- sh -c "echo >$root/began; read -r _ <$root/go; echo finished >$root/end" >/dev/null &
(gearman $at $port -f work payload >"$root/said" 2>&1; echo $? >"$root/status") &
client=$!
read -r _ <"$root/began" # the job runs
gearadmin $at $port --cancel-job="$(gearadmin $at $port --show-jobs | head -1 | cut -f 1)" >/dev/null
wait $client
same "what the client says while the job still runs" "$(cat "$root/said")" "Job failed"
same "its status" "$(cat "$root/status")" "1"
echo >"$root/go"
until [ -e "$root/end" ]; do sleep 0.05; done
same "what the worker did" "$(cat "$root/end")" "finished"
