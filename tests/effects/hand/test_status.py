"""`status` of a swarm whose machine does not answer says so, and what is not known."""

from pathlib import Path

from fakes.nearhand import near
from swarmctl.commands.status import status


def test_a_machine_that_does_not_answer_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    world, hand = near(tmp_path, "mine")
    world.put(hand.placed.model_copy(update={"python": "/bin/false"}))
    world._distant["mine"] = hand.over
    found = status("mine", world)
    first = found.faults[0]
    assert "did not answer 'remains'" in first
    assert "what runs there is not known" in first
