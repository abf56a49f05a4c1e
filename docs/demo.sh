#!/bin/sh
# The story of the demo, with the commands as a person types them. `make demo` runs it; so can you with swarmctl installed.
set -u
task="Write a Python function greet(name) in greet.py that returns the text 'Hello, NAME!' with the given name."
check='python3 -m unittest -q'

title() { printf '\n== %s\n' "$1"; }
show() { printf '$ %s\n' "$*"; }

cat <<'EOF'
This demo shows the plumbing: seven agents, a real model server, a real git branch, real proofs.
The model has 135 million parameters and is here because it is small (98 MB). Do not judge the code that it writes.
EOF

place=$(mktemp -d) || exit 1
cleaned=no
clean() {
  [ "$cleaned" = yes ] && return
  cleaned=yes
  swarmctl down --swarm demo >/dev/null 2>&1
  rm -rf "$place"
}
trap clean EXIT
trap 'clean; exit 130' INT TERM

title "1. A git repository with one test, and nothing that passes it"
git init -q "$place/project" && cd "$place/project" || exit 1
cat >test_greet.py <<'EOF'
import unittest

from greet import greet


class Greet(unittest.TestCase):
    def test_names(self):
        for name in ("Ada", "Grace"):
            self.assertEqual(greet(name), f"Hello, {name}!")
EOF
git add . && git -c user.name=you -c user.email=you@localhost commit -qm "Ask for greet" || exit 1
show git log --oneline && git log --oneline

title "2. Up: fetch the model, start engine and agents, prove them healthy"
show swarmctl up --swarm demo
swarmctl up --swarm demo || exit $?

title "3. A second up changes nothing"
show swarmctl up --swarm demo
swarmctl up --swarm demo || exit $?

title "4. A task, checked by the repository's own test"
branch_of() { git branch --list --format='%(refname:short)' 'swarm/*' | tail -n 1; }
show swarmctl run --swarm demo --agents backend --test "\"$check\"" "\"$task\""
swarmctl run --swarm demo --agents backend --test "$check" "$task"
branch=$(branch_of)
if [ -z "$branch" ]; then
  echo
  echo "Nothing that was written passed the test, so nothing was merged: that is what --test is for. Once more without it:"
  show swarmctl run --swarm demo --agents backend "\"$task\""
  swarmctl run --swarm demo --agents backend "$task"
  branch=$(branch_of)
fi

title "5. All six specialists, side by side"
question='In one short sentence: what does an HTTP status of 404 mean?'
show swarmctl run --swarm demo --flat "'$question'"
swarmctl run --swarm demo --flat "$question" || exit $?

title "6. What is there now, and does it pass the check?"
if [ -z "$branch" ]; then
  echo "no branch: the team wrote nothing that could be used"
else
  show git log --oneline "$branch" && git log --oneline "$branch"
  show git status --short && git status --short && echo "(your files are as they were)"
  swarmctl run --show "${branch#swarm/}" --json | python3 -c '
import json, sys
steps = json.load(sys.stdin)["steps"]
print("the check:", ", ".join(sorted({s["test"]["verdict"] for s in steps if s["merged"]})))
'
fi
swarmctl cost --swarm demo

title "7. Down: nothing is left"
show swarmctl down --swarm demo
swarmctl down --swarm demo || exit $?
cleaned=yes
rm -rf "$place"

title "A useful model on this machine"
swarmctl doctor --json | python3 -c '
import json, sys
free = json.load(sys.stdin)["machine"]["ram_free"]
name, size = ("seven", 14) if free > 16000 else ("seven-3b", 4)
print(f"{free} MiB of memory are free. With the internet at hand:")
print(f"  swarmctl up --swarm {name}     # about {size} GB of models are fetched first")
'
[ -n "$branch" ]
