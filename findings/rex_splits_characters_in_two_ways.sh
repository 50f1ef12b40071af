#!/usr/bin/env bash
# Lrexlib 2.9.1 (Debian 12, Lua 5.4): split("abc", "") gives, with PCRE2 and Oniguruma, five pieces: the three
# characters between two empty ones; with POSIX, TRE and GNU two: an empty one and "abc". One library, one test suite,
# the same call.
# Guessed: "a", "b", "c" from each of them. gsub and gmatch do agree: four matches.
. "$(dirname "$0")/fetch.sh"
fetch lua-rex-pcre2=2.9.1-2+b1 lua-rex-onig=2.9.1-2+b1 lua-rex-posix=2.9.1-2+b1 lua-rex-tre=2.9.1-2+b1 \
  lua-rex-gnu=2.9.1-2+b1 libonig5=6.9.8-1 libtre5=0.8.0-7 libpcre2-8-0=10.42-1+deb12u2
for kind in pcre2 onig posix tre gnu; do
  case $kind in pcre2 | onig) seen='[][a][b][c][]' ;; *) seen='[][abc]' ;; esac
  same "$kind: split, count" "$(lua5.4 -e 'local rex, pieces = require("rex_'$kind'"), ""
    for piece in rex.split("abc", "") do pieces = pieces .. "[" .. piece .. "]" end
    print(pieces, rex.count("abc", ""))')" "$seen	4"
done
