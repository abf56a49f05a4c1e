#!/bin/sh
# All tests, with the interpreter that is named: those that need nothing, then those with real engines on the ground.
# The ground is made after a yes (CI=true or GROUND=yes; `make ground` was one too), and ended where this started it.
set -u
python=$1
pytest() { "$python" -m pytest "$@"; }
started=no
asked="${XDG_CACHE_HOME:-$HOME/.cache}/swarmctl/ground/lock"

end() {
  status=$?
  trap - EXIT INT TERM
  if [ "$started" = yes ]; then "$python" tests/ground --down || status=1; fi
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "${CI:-}" = true ] || [ "${GROUND:-}" = yes ]; then
  docker version >/dev/null 2>&1 || started=yes
  if "$python" tests/ground; then
    export GROUND=made
  elif [ "$(id -u)" = 0 ] && [ "${CI:-}" = true ]; then
    echo "the ground could not be made: see above" >&2
    exit 1
  else
    echo "the ground could not be made whole: tests that need what failed above are left out" >&2
  fi
fi

pytest -n 2 --dist loadgroup --rotate || exit
if [ -e "$asked" ] && docker version >/dev/null 2>&1; then
  # Of the long stories with containers only those that are always told: `make scenarios` tells them all.
  pytest -m ground --rotate --budget 245 || exit
else
  echo "left out: tests with real engines, for want of the ground (make ground)" >&2
fi
