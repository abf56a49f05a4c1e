"""A port that somebody takes between the look and the start: `up` looks again, once."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from swarmctl.commands import up as command
from swarmctl.commands.up import Report, up
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import PortTakenError

PLAN = Plan("one", steps=(Step(Verb.DEPLOY, "slot-0/cpu", "one", "does not run"),))
FILE = "name: one\nmodels: {a: {package: x==1, file: x.gguf}}\nroles: {orchestrator: {model: a}}\n"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_it_looks_again_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    looks, left = [], [PortTakenError("taken")] * times
    world = World(
        SystemClock(), Ledger(tmp_path / "ledger.sqlite", SystemClock()), ModelStore(tmp_path / "models"), tmp_path
    )
    (tmp_path / "swarm.yml").write_text(FILE)
    nothing = SimpleNamespace(prepared=False, services=(), strays=())
    monkeypatch.setattr(command, "observe", lambda *_, **__: looks.append(1) or nothing)
    monkeypatch.setattr(command, "reconcile", lambda *_: PLAN)
    monkeypatch.setattr(command, "job_for", lambda *_: None)

    def carried_out(_job: object, walk: command.Walk) -> Report:
        assert walk.fresh
        assert not walk.keep
        if left:
            raise left.pop()
        return Report(PLAN, done=True)

    monkeypatch.setattr(command, "_carried_out", carried_out)
    opened = open_spec(tmp_path / "swarm.yml")
    if times == 2:
        with pytest.raises(PortTakenError):
            up(opened, world, approve=lambda _: True, tell=lambda _: None)
    else:
        assert up(opened, world, approve=lambda _: True, tell=lambda _: None).done
    assert len(looks) == min(times + 1, 2)
    assert [event.result for event in world.ledger.events()] == ["done"] * (times < 2) + ["failed"] * times
