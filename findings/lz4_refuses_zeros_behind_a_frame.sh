#!/usr/bin/env bash
# lz4 1.9.4 (Debian 12): zeros behind a complete frame (padding of a block device or a tape) are an error, status 1, after the
# data was written; gzip passes over them silently, bzip2 with a warning and status 0.
# Guessed: a warning and status 0.
. "$(dirname "$0")/fetch.sh"
fetch lz4=1.9.4-1 liblz4-1=1.9.4-1 bzip2=1.0.8-5+b1
padded() { "$1" -c <<<text; head -c 4 /dev/zero; }
same "lz4" "$(padded lz4 | lz4 -dc 2>/dev/null) $(padded lz4 | lz4 -dc >/dev/null 2>&1; echo $?)" "text 1"
same "gzip" "$(padded gzip | gzip -dc 2>&1) $(padded gzip | gzip -dc >/dev/null 2>&1; echo $?)" "text 0"
same "bzip2" "$(padded bzip2 | bzip2 -dc 2>/dev/null) $(padded bzip2 | bzip2 -dc >/dev/null 2>&1; echo $?)" "text 0"
