#!/bin/sh
# Installs what tests can use and this machine lacks, after a yes: on a terminal by asking, else CI=true or GROUND=yes.
command -v bwrap >/dev/null 2>&1 && exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
yes=no
if [ "${CI:-}" = true ] || [ "${GROUND:-}" = yes ]; then
  yes=yes
elif [ -t 0 ] && [ -t 2 ]; then
  printf 'The sandbox tests want the system package bubblewrap. Install it with apt-get? [y/N] ' >&2
  read -r answer
  [ "$answer" = y ] && yes=yes
fi
[ "$yes" = yes ] || exit 0
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
$as_root apt-get install -y -qq bubblewrap >/dev/null 2>&1 ||
  { $as_root apt-get update -qq && $as_root apt-get install -y -qq bubblewrap >/dev/null; } ||
  echo "bubblewrap could not be installed; its tests are left out" >&2
exit 0
