"""A real host near its end pushes its results by SSH to a git repository elsewhere, and only then asks to end."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from fakes import marketdouble
from fakes.grounded import stands
from fakes.hosts import Host, host
from fakes.playing import needs_ansible, run, target
from fakes.savingprogram import DATA
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.playbooks import Playbook, play
from swarmctl.errors import DeployError

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]

PORT = 8088
AWAY = "/srv/away.git"
READY = f"""
set -e
useradd --create-home --shell /bin/bash keeper
git init --quiet --bare {AWAY}; chown -R keeper {AWAY}
ssh-keygen -q -t ed25519 -N '' -f /root/deploy
install -d -o keeper -m 700 /home/keeper/.ssh
install -o keeper -m 600 /root/deploy.pub /home/keeper/.ssh/authorized_keys
place=/{DATA}; repo=$place/git/work.git
git init --quiet --bare "$repo"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
commit=$(git -C "$repo" commit-tree "$(git -C "$repo" mktree </dev/null)" -m work)
git -C "$repo" update-ref refs/heads/swarm/a1 "$commit"
printf '{{"a1": "%s"}}' "$commit" > "$place/results-unfetched"
chown -R 10001:10001 "$place"
printf %s "$commit"
"""
"""Another place that takes pushes by SSH, and an agent's folder with a result in it; prints its commit."""


@pytest.fixture(autouse=True)
def ground() -> None:
    needs_ansible()
    stands("engine", "bookworm", "host-vm")


def settings(machine: Host, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "guard_instance": "7", "guard_url": f"http://127.0.0.1:{PORT}", "guard_key": "scoped-key", "guard_since": now,
        "guard_deadline": now + 3600, "guard_every": "2s",
        "saving_remote": f"ssh://keeper@127.0.0.1{AWAY}", "saving_key": machine.ssh(["cat", "/root/deploy"]), **more,
    }  # fmt: skip


def pushed(machine: Host) -> str:
    return machine.ssh(
        ["runuser", "-u", "keeper", "--", "git", "-C", AWAY, "for-each-ref", "--format=%(refname) %(objectname)"]
    ).strip()


def asked(machine: Host) -> list[list[str]]:
    return [json.loads(line) for line in machine.tries(["cat", "/root/asked"]).stdout.decode().splitlines()]


def test_results_are_elsewhere_before_the_machine_asks_to_end(tmp_path: Path) -> None:
    with host("vm") as machine:
        machine.ssh(["sh", "-c", "command -v git || { apt-get -qq update && apt-get -qq install -y git; } >/dev/null"])
        commit = machine.ssh(["sh", "-c", READY.strip()]).split()[-1]
        machine.put("/root/market.py", Path(marketdouble.__file__).read_text())
        words = ["python3", "/root/market.py", str(PORT), "/root/asked", "0"]
        machine.ssh(["systemd-run", "-q", "--unit", "market", *words])
        given = settings(machine)
        with pytest.raises(DeployError, match="cannot be pushed"):
            run(machine, "prepare", tmp_path, **{**given, "saving_remote": "ssh://keeper@127.0.0.1/srv/none.git"})
        assert run(machine, "prepare", tmp_path, **given).changed["slot-0"] > 0
        assert run(machine, "prepare", tmp_path, **given).changed == {"slot-0": 0}
        assert machine.ssh(["stat", "-c", "%a %U", "/etc/swarmctl/save.key"]).split() == ["600", "root"]
        assert pushed(machine) == "", "asking whether it may push leaves nothing there"

        soon = int(time.time()) + 45 + 60 + 10  # the guard's margin, and what is kept for saving
        run(machine, "prepare", tmp_path, **{**given, "guard_deadline": soon})

        def ended() -> bool:
            return any(one[0] == "DELETE" for one in asked(machine))

        wait_until(ended, clock=SystemClock(), deadline=60, every=0.5, what="a DELETE")
        assert pushed(machine) == f"refs/heads/swarm/a1 {commit}"
        assert machine.tries(["test", "-e", f"/{DATA}/results-unfetched"]).returncode == 1
        assert "PRIVATE" not in machine.ssh(["journalctl", "--no-pager"])


def test_what_could_write_elsewhere_goes_where_nobody_wants_it_any_more(tmp_path: Path) -> None:
    kept = ("key", "token", "json", "known")
    with host("bare") as machine:
        machine.ssh(["sh", "-c", "command -v python3 || { apt-get -qq update && apt-get -qq install -y python3; } >&2"])

        def prepared(**values: bool) -> int:
            book = Playbook("prepare", values, tags=("preflight", "guard"))
            return play(book, [target(machine)], tmp_path, str).proved().changed["slot-0"]

        assert prepared(saving_forget=True) == 0, "nothing is there, and nothing goes"
        for end in kept:
            machine.put(f"/etc/swarmctl/save.{end}", "secret")
        machine.put("/etc/swarmctl/guard.json", "{}")
        assert prepared() == 0, "who has no say in it takes nothing away"
        assert prepared(saving_forget=True) == 1
        assert machine.ssh(["ls", "/etc/swarmctl"]).split() == ["guard.json"]
        assert prepared(saving_forget=True) == 0
