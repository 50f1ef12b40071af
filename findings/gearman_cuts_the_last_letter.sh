#!/usr/bin/env bash
# gearman 1.1.20 (Debian 12), the command: -N, "one job a line, without its newline", takes the last byte off whatever
# it is: where the input does not end in a newline, the last job loses a letter. An empty line becomes no job at all;
# the status is 0.
# Guessed: only a newline is taken off, and an empty line is a job without data, as it is with -n less the newline.
. "$(dirname "$0")/fetch.sh"
fetch_gearmand
port=$((20000 + $$ % 10000))
at=(-h 127.0.0.1 -p "$port")
"$root/usr/sbin/gearmand" --listen=127.0.0.1 -p "$port" -l "$root/log" &
server=$! worker=
trap 'kill -9 $server $worker; wait 2>/dev/null; rm -rf "$root"; exit $changed' EXIT
until gearadmin "${at[@]}" --status >/dev/null 2>&1; do sleep 0.05; done
gearman "${at[@]}" -w -f show -- sh -c 'printf "[%s]" "$(cat)"' >/dev/null &
worker=$!
ask() { printf %b "$1" | timeout 20 gearman "${at[@]}" -N -f show 2>/dev/null; echo " $?"; }
same "with a newline at the end" "$(ask 'one\ntwo\n')" "[one][two] 0"
same "without" "$(ask 'one\ntwo')" "[one][tw] 0"
same "with an empty line" "$(ask 'one\n\ntwo\n')" "[one][two] 0"
