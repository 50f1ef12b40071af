#!/usr/bin/env bash
# tools/run and tools/setup on systems that lack something: a message that says what to do, and a second try that works.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
top=$work/checkout bin=$work/bin
mkdir -p "$top/tools" "$bin" "$work/home"
cp -L tools/run tools/setup tools/lua-variant "$top/tools/"

# stand_in NAME: a program of that name, its text from stdin.
stand_in() {
  { echo "#!/bin/bash"; cat; } >"$bin/$1"
  chmod +x "$bin/$1"
}
# All is there: packages are installed, the build makes a program that says so.
all_well() {
  stand_in dpkg-query <<<'echo installed'
  stand_in id <<<'echo 0'
  stand_in apt-get <<<'exit 0'
  stand_in dpkg <<<'exit 0'
  stand_in sudo <<<'exec "$@"'
  stand_in bazel <<'IN'
echo "$@" >"$WORK/bazel.args"
for a in "$@"; do case $a in --symlink_prefix=*) links=${a#*=} ;; esac; done
echo "[3 / 9] Compiling" >&2
mkdir -p "${links}bin/interp"
printf '#!/bin/sh\necho "gilua runs $*"\n' >"${links}bin/interp/gilua"
chmod +x "${links}bin/interp/gilua"
IN
}
run() { env -i WORK="$work" HOME="$work/home" PATH="$bin:/usr/bin:/bin" "$@" >"$work/out" 2>"$work/err"; }
# says NAME STATUS WORDS…: the last run ended so, and its message has each of the words.
says() {
  local name=$1 want=$2 word
  shift 2
  if [ "$status" -ne "$want" ]; then word="status $status"; else
    for word in "$@" ""; do [ -z "$word" ] || grep -qF -- "$word" "$work/err" || break; done
  fi
  if [ -z "$word" ]; then echo "ok - $name"; return; fi
  echo "not ok - $name: $word"
  sed 's/^/# /' "$work/err"
  failed=1
}
works() { run "$top/tools/run" one; status=$?; says "$1" 0; [ "$(cat "$work/out")" = "gilua runs one" ] || failed=1; }

all_well
works "with all in place it builds and runs, and passes its arguments"
run "$top/tools/run"; status=$?
says "it says that it builds" 0 "building gilua"

run LUA=5.3 "$top/tools/run"; status=$?
says "a wrong LUA is told with the right ones" 1 "LUA=5.3" "LUA=5.4" "LUA=5.5"

mkdir "$work/a b"
cp -r "$top/tools" "$work/a b/"
run "$work/a b/tools/run"; status=$?
says "a path with a space is refused by name" 1 "a space" "$work/a b"

stand_in dpkg-query <<<'[ "${@: -1}" = libffi-dev ] && echo half-configured || echo installed'
stand_in id <<<'echo 1000'
rm "$bin/sudo"
PATH_WITHOUT_SUDO=$work/few
mkdir "$PATH_WITHOUT_SUDO"
for tool in bash sh env dirname grep sed tail mktemp rm mkdir cat; do ln -s "$(command -v $tool)" "$PATH_WITHOUT_SUDO/$tool"; done
run PATH="$bin:$PATH_WITHOUT_SUDO" "$top/tools/run"; status=$?
says "without sudo the command is told" 1 "libffi-dev" "no sudo" "as root: apt-get"

stand_in sudo <<<'echo "user is not in the sudoers file" >&2; exit 1'
run "$top/tools/run"; status=$?
says "without rights by sudo the command is told" 1 "no root rights" "apt-get install" "libffi-dev"

stand_in id <<<'echo 0'
stand_in apt-get <<<'echo "Err: Temporary failure resolving deb.debian.org"; exit 100'
run "$top/tools/run"; status=$?
says "without a network the mirror and the package are told" 1 "does not reach its mirror" "'libffi-dev'"

stand_in apt-get <<<'exit 0'
stand_in dpkg <<<'echo "$@" >"$WORK/dpkg.args"'
run "$top/tools/run"; status=$?
says "a half-installed package is configured first" 0
grep -q -- "--configure -a" "$work/dpkg.args" || { echo "not ok - dpkg was not asked"; failed=1; }
all_well
works "the second try works"

stand_in bazel <<<'echo "ERROR: write failed (No space left on device)" >&2; exit 1'
run "$top/tools/run"; status=$?
says "a full disk is told, with how much is free where" 1 "the disk is full" "free"
all_well
works "with room again it works"

run HOME=/proc/none TMPDIR="$work" "$top/tools/run" one; status=$?
says "a home that cannot be written to is told, and another folder is taken" 0 "cannot write to /proc/none"
grep -q -- "--output_user_root=" "$work/bazel.args" || { echo "not ok - no other folder"; failed=1; }
exit $failed
