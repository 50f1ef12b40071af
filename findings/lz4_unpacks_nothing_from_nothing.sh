#!/usr/bin/env bash
# lz4 1.9.4 (Debian 12): -dc of an empty input is fine, status 0; gzip, zstd, xz and bzip2 call it an unexpected end and
# fail.
# Guessed: an error, since no frame is no lz4 file. A download that broke off before its first byte passes for an empty
# file.
. "$(dirname "$0")/fetch.sh"
fetch lz4=1.9.4-1 liblz4-1=1.9.4-1 zstd=1.5.4+dfsg2-5+deb12u1 libzstd1=1.5.4+dfsg2-5+deb12u1 xz-utils=5.4.1-1+deb12u2 \
  bzip2=1.0.8-5+b1
fails() { "$1" -dc </dev/null >/dev/null 2>&1 && echo "$1 succeeds" || echo "$1 fails"; }
same "empty input" "$(for tool in lz4 gzip zstd xz bzip2; do fails "$tool"; done | tr '\n' ',')" \
  "lz4 succeeds,gzip fails,zstd fails,xz fails,bzip2 fails,"
