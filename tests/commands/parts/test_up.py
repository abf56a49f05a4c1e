"""What the end of an `up` over several hosts says, and with which exit code."""

from datetime import UTC, datetime
from typing import Any

import pytest

from swarmctl.commands.parts.up import Report, failure
from swarmctl.core.proof import Proof
from swarmctl.core.verdict import Verdict
from swarmctl.effects.parts.children import Ended
from swarmctl.errors import Cancelled, HealthError, HostError, LeakError, SwarmctlError, with_code

GOOD = Ended(0, {"passed": True})


def error(code: int, message: str) -> Ended:
    return Ended(code, {"message": message, "detail": "why", "hint": "do this", "exit_code": code})


def report(ended: dict[str, Ended], stands: tuple[str, ...] = ("desk",), passed: bool = True) -> Report:
    proof = Proof("way", "desk/agent-backend", "answers", "silence", "", "pass" if passed else "fail")
    verdict = Verdict("x", datetime(2026, 1, 1, tzinfo=UTC), 1.0, (proof,))
    failed = tuple(slot for slot, one in ended.items() if one.code)
    return Report("team", ended, verdict if stands else None, 1.0, True, stands, failed)


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        ({"desk": GOOD, "cards": error(6, "gpu1 does not answer")}, HostError),
        ({"desk": error(8, "sick"), "cards": error(6, "away")}, HealthError),
        ({"desk": error(10, "may bill"), "cards": error(6, "away")}, LeakError),
        ({"desk": error(10, "may bill"), "cards": error(130, "cancelled")}, Cancelled),
        ({"desk": GOOD, "cards": Ended(1, None)}, SwarmctlError),
    ],
)
def test_it_ends_as_the_worst_of_its_parts(ended: dict[str, Ended], kind: type[SwarmctlError]) -> None:
    found = failure(report(ended))
    assert type(found) is kind
    for slot, one in ended.items():
        assert (f"{slot}: " in found.message) is bool(one.code)


def test_what_stands_and_what_to_do_is_said() -> None:
    found = failure(report({"desk": GOOD, "cards": error(6, "gpu1 does not answer")}))
    assert found is not None
    assert found.message == "cards: gpu1 does not answer"
    assert found.detail.splitlines() == ["cards: why", "cards: next: do this", "desk stands"]
    assert found.hint == "swarmctl up   (mends cards alone)"


def test_nothing_left_is_said() -> None:
    found = failure(report({"cards": error(6, "away"), "desk": error(7, "no")}, ()))
    assert found is not None
    assert found.detail.endswith("nothing of it is left")


def test_parts_that_do_not_reach_each_other_are_no_healthy_swarm() -> None:
    assert failure(report({"desk": GOOD, "cards": GOOD})) is None
    found = failure(report({"desk": GOOD, "cards": GOOD}, passed=False))
    assert isinstance(found, HealthError)
    assert "desk/agent-backend" in found.detail


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"passed": False}, {"message": None, "detail": None}, {"message": 3, "detail": {"a": 1}}]
)
def test_whatever_a_part_printed_is_no_traceback(answer: Any) -> None:
    found = failure(report({"cards": Ended(7, answer)}))
    assert found is not None
    assert found.exit_code == 7


def test_every_code_has_its_error() -> None:
    assert {with_code(code, "x").exit_code for code in (1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 130)} == {
        1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 130,
    }  # fmt: skip
    assert type(with_code(77, "x")) is SwarmctlError
