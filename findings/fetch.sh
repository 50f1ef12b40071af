# What the scripts of this folder share. Each shows what a library, tool or format of others does that an expert would guess
# wrong; it runs pinned packages in a temporary folder, without gilua, and fails when what it saw has changed.
#   fetch NAME=VERSION …    Debian packages, unpacked into $root, found by lua5.4 (or Lua $lua), the linker and the
#                           shell from now on
#   fetch_gearmand NAME=VERSION …    the job server and its command, with what they need, and these
#   fetch_npm NAME@VERSION …    npm packages in $root, which becomes the current folder
#   cross ARCH TRIPLET GCC BINUTILS LIBC LINUX    Debian's cross compiler of these versions, libffi 3.4.4 of that architecture
#                           and qemu's user emulation; afterwards `cross_run EMULATOR` compiles $root/ask.c and runs it
#   same WHAT GOT SEEN      prints a line; the status at the end is 1 if one differed
set -u
root=$(mktemp -d) changed=0 lua=5.4
trap 'rm -rf "$root"; exit $changed' EXIT

fetch() {
  local deb lib=$root/usr/lib/$(gcc -print-multiarch)
  (cd "$root" && apt-get download -q "$@" >/dev/null 2>&1) || { echo "these versions are not to be had: $*"; changed=2; exit; }
  for deb in "$root"/*.deb; do dpkg-deb -x "$deb" "$root" && rm "$deb"; done
  export LUA_PATH="$root/usr/share/lua/$lua/?.lua;$root/usr/share/lua/$lua/?/init.lua;;" LUA_CPATH="$lib/lua/$lua/?.so;;"
  export LD_LIBRARY_PATH=$lib PATH=$root/usr/bin:$PATH
}

fetch_gearmand() {
  fetch gearman-job-server=1.1.20+ds-1 gearman-tools=1.1.20+ds-1 libgearman8=1.1.20+ds-1 libhashkit2=1.1.4-1 \
    libboost-program-options1.74.0=1.74.0+ds1-21 libevent-2.1-7=2.1.12-stable-8+deb12u1 libmemcached11=1.1.4-1 \
    libhiredis0.14=0.14.1-3 libmariadb3=1:10.11.19-0+deb12u1 libpq5=15.18-0+deb12u1 libldap-2.5-0=2.5.13+dfsg-5 \
    libsasl2-2=2.1.28+dfsg-10 "$@"
}

fetch_npm() {
  cd "$root" && npm install --silent --no-fund --no-audit "$@" >/dev/null 2>&1 && return
  echo "these versions are not to be had: $*"
  changed=2
  exit
}

cross() {
  local arch=$1 private deb
  triplet=$2
  fetch qemu-user-static=1:7.2+dfsg-7+deb12u18+b3 libisl23=0.25-1.1 libmpc3=1.3.1-1 libmpfr6=4.2.0-1 libgmp10=2:6.2.1+dfsg1-1.1 \
    libjansson4=2.14-2 "gcc-12-$2=$3" "cpp-12-$2=$3" "libgcc-12-dev-$1-cross=$3" "binutils-$2=$4" "libc6-$1-cross=$5" \
    "libc6-dev-$1-cross=$5" "linux-libc-dev-$1-cross=$6"
  # Lists of the other architecture, kept apart from the system's own.
  mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial"
  touch "$root/apt/status"
  private=(-q -o APT::Architectures::=amd64 -o "APT::Architectures::=$arch" -o Acquire::Languages=none
    -o "Dir::State=$root/apt" -o "Dir::State::status=$root/apt/status" -o "Dir::Cache=$root/apt/cache" -o APT::Sandbox::User=root)
  apt-get "${private[@]}" update >/dev/null 2>&1
  (cd "$root" && apt-get "${private[@]}" download "libffi8:$arch=3.4.4-1" "libffi-dev:$arch=3.4.4-1") >/dev/null 2>&1 ||
    { echo "libffi 3.4.4-1 of $arch is not to be had"; changed=2; exit; }
  for deb in "$root"/*.deb; do dpkg-deb -x "$deb" "$root" && rm "$deb"; done
}

cross_run() {
  "$triplet-gcc-12" -O1 -static -B"$root/usr/$triplet/lib" -L"$root/usr/$triplet/lib" -I"$root/usr/$triplet/include" \
    -I"$root/usr/include/$triplet" "$root/ask.c" "$root/usr/lib/$triplet/libffi.a" -o "$root/ask" && "qemu-$1-static" "$root/ask"
}

same() {
  if [ "$2" = "$3" ]; then echo "as seen: $1: $2"; return; fi
  echo "CHANGED: $1: $2 (seen: $3)"
  changed=1
}
