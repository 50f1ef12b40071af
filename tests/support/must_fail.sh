#!/usr/bin/env bash
# Runs a program that has a fault built in; succeeds when the program reports one.
set -u
if output=$("$@" 2>&1); then
  echo "not ok - $1 does not notice its fault"
  exit 1
fi
echo "${output##*$'\n'}" | sed 's/^/# /'
echo "ok - $1 notices its fault"
