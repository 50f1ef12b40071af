#!/usr/bin/env bash
# Gearman::Server 1.130.1 in Perl and gearmand 1.1.20 in C (both Debian 12): a worker that asks for a job by
# GRAB_JOB_UNIQ or GRAB_JOB_ALL gets an error from the one in Perl, which knows GRAB_JOB only. libgearman's workers ask
# by GRAB_JOB_ALL: there they get no job, and their command asks again at once, without end.
# Guessed: one protocol; what is not known is at least answered by NO_JOB. Clients of libgearman do work with both.
. "$(dirname "$0")/fetch.sh"
fetch_gearmand gearman-server=1.130.1-2 libgearman-client-perl=2.004.015-1 libdanga-socket-perl=1.62-2 \
  libstring-crc32-perl=2.100-2 libsys-syscall-perl=0.25-7 libio-socket-ssl-perl=2.081-2 libnet-ssleay-perl=1.92-2+b1 \
  liblist-moreutils-perl=0.430-2 liblist-moreutils-xs-perl=0.430-3+b1 libexporter-tiny-perl=1.006000-1
export PERL5LIB=$root/usr/share/perl5:$root/usr/lib/$(gcc -print-multiarch)/perl5/5.36
port=$((20000 + $$ % 10000))
perl "$root/usr/bin/gearmand" --listen=127.0.0.1 --port=$port 2>/dev/null &
perl=$!
"$root/usr/sbin/gearmand" --listen=127.0.0.1 -p $((port + 1)) -l "$root/log" &
c=$!
trap 'kill -9 $perl $c; wait 2>/dev/null; rm -rf "$root"; exit $changed' EXIT
for at in $port $((port + 1)); do until (: <>"/dev/tcp/127.0.0.1/$at") 2>/dev/null; do sleep 0.05; done; done
ask() { # PORT OCTAL-NUMBER-OF-A-REQUEST: the kind of the answer
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf '\0REQ\0\0\0%b\0\0\0\0' "\\0$2" >&3
  case $(head -c 8 <&3 | od -An -tu1 -j 7) in *10) echo NO_JOB ;; *19) echo ERROR ;; *) echo another ;; esac
  exec 3>&-
}
same "Perl: GRAB_JOB, GRAB_JOB_UNIQ, GRAB_JOB_ALL" "$(ask $port 11) $(ask $port 36) $(ask $port 47)" \
  "NO_JOB ERROR ERROR"
port=$((port + 1))
same "C: the same" "$(ask $port 11) $(ask $port 36) $(ask $port 47)" "NO_JOB NO_JOB NO_JOB"
