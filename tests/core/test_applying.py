"""What a new configuration changes, and which ones are refused."""

from dataclasses import replace

import pytest

from swarmctl.core.applying import Changes, changes, problems
from swarmctl.core.program import Program, SupervisorConfig


def program(name: str, digest: str = "1") -> Program:
    labels = {"swarmctl.swarm": "s", "swarmctl.service": name, "swarmctl.config-hash": digest}
    return Program(name, "exec", ("true",), labels, digest)


def config(*programs: Program) -> SupervisorConfig:
    return SupervisorConfig("s", "/s", "/l", programs)


@pytest.mark.parametrize(
    ("running", "wanted", "expected"),
    [
        ({}, "a1 b1", Changes(("a", "b"), (), (), ())),
        ({"a": "1", "b": "1"}, "a1 b1", Changes((), (), (), ("a", "b"))),
        ({"a": "1", "b": "1"}, "a2 b1", Changes((), ("a",), (), ("b",))),
        ({"a": "1", "b": "1", "c": "1"}, "b1", Changes((), (), ("c", "a"), ("b",))),
        ({"a": "1"}, "c1 a2 b1", Changes(("c", "b"), ("a",), (), ())),
    ],
)
def test_changes(running: dict[str, str], wanted: str, expected: Changes) -> None:
    assert changes(running, tuple(program(w[0], w[1:]) for w in wanted.split())) == expected


def test_a_good_configuration_has_no_problems() -> None:
    fork = replace(program("f"), how="fork", argv=(), entry="a.b:c")
    assert problems(config(program("a"), fork)) == []


@pytest.mark.parametrize(
    ("programs", "word"),
    [
        ((program("a"), program("a")), "a is named 2 times"),
        ((program("../a"),), "log file"),
        ((program("supervisor"),), "log file"),
        ((replace(program("a"), labels={}),), "labels"),
        ((replace(program("a"), labels={"swarmctl.swarm": "other", "swarmctl.service": "a"}),), "labels"),
        ((replace(program("a"), hash="2"),), "config-hash is not its hash, 2"),
        ((replace(program("a"), argv=()),), "argv is empty"),
        ((replace(program("a"), how="fork", entry="nothing"),), "entry"),
        ((replace(program("a"), how="thread"),), "exec or fork"),  # type: ignore[arg-type]
    ],
)
def test_problems(programs: tuple[Program, ...], word: str) -> None:
    assert word in "; ".join(problems(config(*programs)))
