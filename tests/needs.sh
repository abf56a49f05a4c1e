#!/bin/sh
# Names what this machine lacks for `make`, each with the line that installs it.
py=$1
missing=0
lacks() { echo "missing: $1" >&2; echo "  install it: $2" >&2; missing=1; }
if command -v brew >/dev/null 2>&1; then get="brew install"; else get="sudo apt-get install"; fi
if ! command -v "$py" >/dev/null 2>&1; then
  lacks "Python 3.11 or newer ($py)" "$get python3"
elif ! "$py" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  lacks "Python 3.11 or newer; $py is $("$py" -V)" "$get python3.11, then make PY=python3.11"
elif ! "$py" -c 'import venv, ensurepip' 2>/dev/null; then
  lacks "Python's venv module" "$get python3-venv"
fi
command -v git >/dev/null 2>&1 || lacks "git" "$get git"
exit $missing
