"""The long figures of `make torture`, kept in build/torture.json for `make bench`."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fakes.person import SWARM, Person

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 40


def keep(row: dict[str, object]) -> None:
    """Put a row beside those that this commit has already."""
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    file = ROOT / "build" / "torture.json"
    file.parent.mkdir(exist_ok=True)
    last = json.loads(file.read_text()) if file.exists() else {}
    rows = (
        [r for r in last.get("rows", []) if r["id"] != row["id"]] if last.get("commit") == head.stdout.strip() else []
    )
    file.write_text(json.dumps({"commit": head.stdout.strip(), "rows": [*rows, row]}, indent=1) + "\n")


@pytest.mark.torture
def test_forty_random_kills_are_healed(person: Person) -> None:
    """One to three processes at a time, the supervisor among them; `up` heals all, and nothing leaks."""
    person.types("up", "--swarm", SWARM)
    dice, worst = random.Random(7), 0.0
    for _ in range(ROUNDS):
        pids = person.pids()
        for name in dice.sample(sorted(pids), dice.randint(1, 3)):
            os.kill(pids[name], signal.SIGKILL)
        begun = time.monotonic()
        person.types("up", "--swarm", SWARM)
        person.types("check", "--swarm", SWARM)
        worst = max(worst, time.monotonic() - begun)
        assert len(person.ours()) == 9
    person.types("down", "--swarm", SWARM)
    assert person.ours() == []
    row = {
        "id": "T1",
        "work": f"{ROUNDS} random kills, each healed and proved; the slowest",
        "ours": round(worst, 2),
        "peer": None,
    }
    keep({**row, "unit": "s", "ratio": None, "goal": "<= 60 s", "holds": worst <= 60, "runs": ROUNDS})
