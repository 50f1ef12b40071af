#!/usr/bin/env bash
# pigz 2.6 (Debian 12): what stands behind the last gzip member that it understands is left out silently, with status 0,
# be it garbage or, behind padding of zeros, another member with data. gzip leaves out the same, but says so, with
# status 2.
# Guessed: pigz warns as gzip does, whose place it is made to take. A backup of padded parts unpacks short, and nobody
# knows.
. "$(dirname "$0")/fetch.sh"
fetch pigz=2.6-1
cd "$root" || exit
{ echo one | gzip; head -c 8 /dev/zero; echo two | gzip; } >padded.gz
{ echo one | gzip; echo garbage; } >garbage.gz
for file in padded garbage; do
  same "pigz, $file" "$(pigz -dc $file.gz 2>&1) $(pigz -dc $file.gz >/dev/null 2>&1; echo $?)" "one 0"
  same "gzip, $file" "$(gzip -dc $file.gz 2>/dev/null) $(gzip -dc $file.gz >/dev/null 2>&1; echo $?)" "one 2"
done
