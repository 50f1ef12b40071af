# What the scripts of this folder share. Each shows what a library, tool or format of others does that an expert would guess
# wrong; it runs pinned packages in a temporary folder, without gilua, and fails when what it saw has changed.
#   fetch NAME=VERSION …    Debian packages, unpacked into $root, found by lua5.4, the linker and the shell from now on
#   fetch_npm NAME@VERSION …    npm packages in $root, which becomes the current folder
#   same WHAT GOT SEEN      prints a line; the status at the end is 1 if one differed
set -u
root=$(mktemp -d) changed=0
trap 'rm -rf "$root"; exit $changed' EXIT

fetch() {
  local deb lib=$root/usr/lib/$(gcc -print-multiarch)
  (cd "$root" && apt-get download -q "$@" >/dev/null 2>&1) || { echo "these versions are not to be had: $*"; changed=2; exit; }
  for deb in "$root"/*.deb; do dpkg-deb -x "$deb" "$root" && rm "$deb"; done
  export LUA_PATH="$root/usr/share/lua/5.4/?.lua;$root/usr/share/lua/5.4/?/init.lua;;" LUA_CPATH="$lib/lua/5.4/?.so;;"
  export LD_LIBRARY_PATH=$lib PATH=$root/usr/bin:$PATH
}

fetch_npm() {
  cd "$root" && npm install --silent --no-fund --no-audit "$@" >/dev/null 2>&1 && return
  echo "these versions are not to be had: $*"
  changed=2
  exit
}

same() {
  if [ "$2" = "$3" ]; then echo "as seen: $1: $2"; return; fi
  echo "CHANGED: $1: $2 (seen: $3)"
  changed=1
}
