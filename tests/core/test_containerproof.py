"""A container's state, by value."""

from dataclasses import replace

import pytest

from swarmctl.core.containerproof import up_proof
from swarmctl.core.containers import Container

WELL = Container("c0ffee", "ollama-cpu", "demo-slot-0-cpu", "slot-0", "cpu", "abc", "running", "healthy")


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({}, "pass", "running, healthy"),
        ({"health": ""}, "pass", "running"),
        ({"restarts": 1}, "pass", "running, healthy, 1 restarts"),
        ({"restarts": 40}, "pass", "running, healthy, 40 restarts"),
        ({"health": "starting"}, "unknown", "running, starting"),
        ({"health": "starting", "restarts": 2}, "fail", "running, starting, 2 restarts"),
        ({"health": "unhealthy"}, "fail", "running, unhealthy"),
        ({"state": "restarting", "exit_code": 1}, "fail", "restarting, healthy, exit 1"),
        ({"state": "exited", "exit_code": 137, "oom": True}, "fail", "exited, healthy, out of memory, its memory"),
        ({"hash": "other"}, "fail", "running, healthy, config other, not abc"),
    ],
)
def test_states(changes: dict[str, object], verdict: str, said: str) -> None:
    proof = up_proof("ollama-cpu", "demo", "abc", replace(WELL, **changes))
    assert proof.verdict == verdict
    assert proof.measured.startswith(said)


def test_a_restart_while_it_was_asked_is_a_fault() -> None:
    again = replace(WELL, restarts=2)
    assert up_proof("ollama-cpu", "demo", "abc", again, 2).verdict == "pass"
    assert up_proof("ollama-cpu", "demo", "abc", again, 1).verdict == "fail"


def test_none() -> None:
    assert up_proof("ollama-cpu", "demo", "abc", None).verdict == "fail"
    assert up_proof("ollama-cpu", "demo", "", replace(WELL, hash="x")).verdict == "pass"
