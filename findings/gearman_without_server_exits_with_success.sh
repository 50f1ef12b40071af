#!/usr/bin/env bash
# gearman 1.1.20 (Debian 12), the command: where no server answers it says so and exits with status 0.
# Guessed: 1. A script that hands a job over by `gearman … || …` never sees that nobody took it.
. "$(dirname "$0")/fetch.sh"
fetch gearman-tools=1.1.20+ds-1 libgearman8=1.1.20+ds-1
said=$(gearman -h 127.0.0.1 -p 1 -f work payload 2>&1)
same "status without a server" "$?" "0"
same "what it says" "$(grep -o COULD_NOT_CONNECT <<<"$said")" "COULD_NOT_CONNECT"
