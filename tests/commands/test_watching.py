"""`check --every`: rounds, changes, and looks that fail as a whole."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from swarmctl.commands import check as command
from swarmctl.commands.check import Round, last_look, watch, write_junit
from swarmctl.core.proof import Outcome, Proof
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError


class Clock:
    """Does not wait."""

    def __init__(self) -> None:
        self.at, self.slept = 0.0, list[float]()

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += max(0.0, seconds)


def verdict(outcome: Outcome) -> Verdict:
    return Verdict("s", datetime(2026, 11, 21, tzinfo=UTC), 0.5, (Proof("n", "s", "p", "m", "e", outcome),), "look")


def rounds(patch: pytest.MonkeyPatch, *outcomes: Callable[[], Verdict]) -> tuple[list[Round], Clock]:
    """What a timer makes of looks with these outcomes; each takes 2 s."""
    clock, left = Clock(), list(outcomes)

    def prove(_record: object, _world: object, *, tell: object, depth: str) -> Verdict:
        assert depth == "look"
        clock.at += 2
        return left.pop(0)()

    patch.setattr(command, "prove", prove)
    world = cast("World", SimpleNamespace(clock=clock, require=lambda _: SimpleNamespace(spread=False)))
    seen = []
    for one in watch("demo", world, 60, tell=lambda _: None):
        seen.append(one)
        if not left:
            break
    return seen, clock


def test_only_another_outcome_is_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Verdict:
        raise HostError("Docker does not answer", detail="socket")

    steps: list[Any] = [lambda: verdict("pass"), lambda: verdict("pass"), lambda: verdict("fail"), broken, broken]
    seen, clock = rounds(monkeypatch, *steps, lambda: verdict("pass"))
    assert [one.changed for one in seen] == [True, False, True, True, False, True]
    assert [one.verdict is None for one in seen] == [False, False, False, True, True, False]
    assert seen[3].problem == "Docker does not answer: socket"
    assert clock.slept == [58.0] * 5, "from begin to begin"


def test_a_swarm_that_is_down_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> Verdict:
        raise SpecError("swarm 'demo' is not up on this machine")

    with pytest.raises(SpecError):
        rounds(monkeypatch, lambda: verdict("pass"), down)


def test_no_time_is_too_short() -> None:
    world = cast("World", SimpleNamespace(clock=Clock()))
    with pytest.raises(SpecError, match="too short"):
        next(watch("demo", world, 0, tell=lambda _: None))


def test_files(tmp_path: Path) -> None:
    write_junit(tmp_path / "new" / "out.xml", verdict("fail"), "demo")
    assert "<failure" in (tmp_path / "new" / "out.xml").read_text()
    with pytest.raises(HostError, match="cannot be written"):
        write_junit(tmp_path / "new", verdict("fail"), "demo")
    world = cast("World", SimpleNamespace(places=lambda _: SimpleNamespace(seen=tmp_path / "seen.json")))
    assert last_look("demo", world) is None
    files.write_json(tmp_path / "seen.json", verdict("fail").as_json())
    assert last_look("demo", world) == verdict("fail")
    (tmp_path / "seen.json").write_text('{"proofs": 3}')
    assert last_look("demo", world) is None
