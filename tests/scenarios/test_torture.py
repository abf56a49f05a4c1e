"""The long figures of `make torture`, kept in build/torture.json for `make bench`."""

import os
import random
import signal
import time

import pytest

from fakes.figures import figure
from fakes.person import SWARM, Person

ROUNDS = 40


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
    figure("T1", f"{ROUNDS} random kills, each healed and proved; the slowest", worst, "s", 60, ROUNDS)
