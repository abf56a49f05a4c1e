"""What the seconds of a story went into."""

import pytest

from fakes.tinymarket import Hours
from swarmctl.core.chain import part
from swarmctl.core.plan import Step, Verb
from swarmctl.effects.timeline import Timeline


def test_parts_are_told_in_their_order_and_one_that_comes_again_is_added_to() -> None:
    clock = Hours()
    line = Timeline(clock)
    for name, seconds in (("boot", 3.0), ("SSH", 1.0), ("boot", 2.0)):
        with line.part(name):
            clock.sleep(seconds)
    clock.sleep(4.0)
    line.add("load", 0.5)
    assert line.parts == (("boot", 5.0), ("SSH", 1.0), ("load", 0.5))
    assert line.whole == 10.0


def test_a_part_that_fails_counts() -> None:
    clock = Hours()
    line = Timeline(clock)

    def fails() -> None:
        with line.part("boot"):
            clock.sleep(2.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert line.parts == (("boot", 2.0),)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (Step(Verb.PREPARE, "slot-0", "local host", ""), "keys and folders"),
        (Step(Verb.PREPARE, "slot-0", "ollama/ollama:0.32.15", ""), "images"),
        (Step(Verb.LOAD, "slot-0", "lead", ""), "models"),
        (Step(Verb.LOAD, "slot-0/gpu0", "model-lead", ""), "load"),
        (Step(Verb.DEPLOY, "slot-0/gpu0", "5 containers", ""), "containers"),
        (Step(Verb.CHECK, "slot-0", "all proofs", ""), "proofs"),
        (Step(Verb.RELEASE, "slot-0/gpu0", "agent-docs", ""), "release"),
    ],
)
def test_every_step_is_of_a_part(step: Step, name: str) -> None:
    assert part(step) == name
