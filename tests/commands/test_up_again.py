"""A port that somebody takes between the look and the start: `up` looks again, once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from swarmctl.commands import up as command
from swarmctl.commands.up import Report, up
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.target import Target
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.errors import PortTakenError

CLOCK = SystemClock()
OPENED = cast(Any, SimpleNamespace(spec=SimpleNamespace(name="demo", runtime="process", target=Target(), models={})))
PLAN = Plan("demo", steps=(Step(Verb.DEPLOY, "slot-0/cpu", "one", "does not run"),))


@pytest.mark.parametrize("times", [0, 1, 2])
def test_it_looks_again_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    looks, left = [], [PortTakenError("taken")] * times
    ledger = Ledger(tmp_path / "ledger.sqlite", SystemClock())
    monkeypatch.setattr(command, "observe", lambda *_, **__: looks.append(1) or SimpleNamespace(compose=None))
    monkeypatch.setattr(command, "reconcile", lambda *_: PLAN)
    monkeypatch.setattr(command, "job_for", lambda *_: None)

    def carried_out(_job: object, *, keep: bool) -> Report:
        assert not keep
        if left:
            raise left.pop()
        return Report(PLAN, done=True)

    monkeypatch.setattr(command, "_carried_out", carried_out)
    world = cast(Any, SimpleNamespace(ledger=ledger, clock=CLOCK))
    if times == 2:
        with pytest.raises(PortTakenError):
            up(OPENED, world, approve=lambda _: True, tell=lambda _: None)
    else:
        assert up(OPENED, world, approve=lambda _: True, tell=lambda _: None).done
    assert len(looks) == min(times + 1, 2)
    assert [event.result for event in ledger.events()] == ["done"] * (times < 2) + ["failed"] * times
