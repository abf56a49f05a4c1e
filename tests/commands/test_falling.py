"""Fallbacks: where the proofs of what a file asks for fail, the next one is tried, and the one that held is kept to."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swarmctl.commands import up as command
from swarmctl.commands.up import Before, Report, up
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.verdict import Verdict
from swarmctl.effects import keeping
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.execute import Progress, StepEnded, Tell
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import DeployError, HealthError, SwarmctlError

FILE = """
name: one
engine: {context: 8192, kv: q8_0}
models: {a: {package: x==1, file: x.gguf}}
roles: {orchestrator: {model: a, context: 16384}, docs: {model: a}}
fallbacks: [{context: 4096}, {kv: q4_0}]
"""
PLAN = Plan(
    "one",
    steps=(
        Step(Verb.DEPLOY, "slot-0/cpu", "9 containers", "does not run"),
        Step(Verb.LOAD, "slot-0/cpu", "model-a", "does not run"),
        Step(Verb.CHECK, "slot-0", "all proofs", "after #2"),
    ),
)
Holds = Callable[[SwarmSpec], bool]


class Stage:
    """`up` on a machine on which proofs hold for some swarms only; everything else about it is real."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, holds: Holds) -> None:
        self.world = World(
            SystemClock(), Ledger(folder / "ledger.sqlite", SystemClock()), ModelStore(folder / "models"), folder
        )
        self.file, self.holds = folder / "swarm.yml", holds
        self.file.write_text(FILE)
        self.tried: list[SwarmSpec] = []
        self.said: list[str] = []
        self.undone: list[tuple[SwarmSpec, bool]] = []
        self.there, self.error, self.fails_in = False, HealthError("a proof failed"), 3
        monkeypatch.setattr(command, "observe", self._observe)
        monkeypatch.setattr(command, "reconcile", lambda *_: PLAN)
        monkeypatch.setattr(command, "job_for", self._job)
        monkeypatch.setattr(keeping, "keep", lambda *_: None)
        monkeypatch.setattr(command, "_undo", self._undo)

    def up(self, **more: Any) -> Report:
        before = Before(say=self.said.append, **more)
        return up(self.opened(), self.world, approve=lambda _: True, tell=lambda _: None, before=before)

    def opened(self) -> Opened:
        return open_spec(self.file)

    def _observe(self, *_: object, **__: object) -> object:
        return SimpleNamespace(prepared=self.there, services=(), strays=(), prompts={})

    def _job(self, spec: SwarmSpec, _plan: object, _seen: object, _world: object, told: Tell) -> object:
        def execute() -> Verdict:
            for n in range(1, self.fails_in):
                told(Progress(n, "goes on"))
                told(StepEnded(n, 1.0))
            self.there = True
            self.tried.append(spec)
            if not self.holds(spec):
                raise self.error
            return Verdict(spec.name, self.world.clock.now(), 0.0, ())

        parts = {"spec": spec, "world": self.world, "observed": self._observe(), "plan": PLAN, "images": {}}
        return SimpleNamespace(ready=lambda: None, execute=execute, **parts)

    def _undo(self, job: Any, _proved: object, _failure: BaseException, *, fresh: bool) -> None:
        self.undone.append((job.spec, fresh))


def test_next_one_is_tried_and_the_one_that_held_is_kept_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda spec: spec.engine.kv == "q4_0")
    report = stage.up()
    assert [(one.engine.context, one.engine.kv) for one in stage.tried] == [
        (8192, "q8_0"), (4096, "q8_0"), (4096, "q4_0"),
    ]  # fmt: skip
    assert report.fell == "context 8192 → 4096, kv q8_0 → q4_0, context of orchestrator 16384 → 4096"
    assert len(stage.said) == 2
    assert "a proof failed" in stage.said[0]
    assert stage.undone == [], "what was tried in vain is changed, not taken away"

    stage.tried.clear()
    assert stage.up().fell == report.fell
    assert [one.engine.kv for one in stage.tried] == ["q4_0"], "another `up` begins with what held"
    stage.tried.clear()
    stage.holds = lambda _: True
    assert stage.up(anew=True).fell == ""
    assert [one.engine.context for one in stage.tried] == [8192]
    stage.tried.clear()
    assert stage.up().fell == ""
    assert [one.engine.context for one in stage.tried] == [8192], "what was proved anew is what holds"


def test_file_that_was_changed_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda spec: spec.engine.context < 8192)
    stage.up()
    stage.tried.clear()
    stage.file.write_text(FILE.replace("8192", "10240"))
    stage.up()
    assert [one.engine.context for one in stage.tried] == [10240, 4096]


def test_when_none_holds_the_last_failure_is_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda _: False)
    with pytest.raises(HealthError):
        stage.up()
    assert len(stage.tried) == 3
    ((last, fresh),) = stage.undone
    assert (last.engine.kv, fresh) == ("q4_0", True), "there was nothing when the first one began"


@pytest.mark.parametrize("error", [DeployError("no"), SwarmctlError("no"), KeyboardInterrupt()])
def test_only_a_failed_proof_makes_it_fall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda _: False)
    stage.error = error  # type: ignore[assignment]
    with pytest.raises(type(error)):
        stage.up()
    assert (len(stage.tried), len(stage.undone)) == (1, 1)


@pytest.mark.parametrize(("step", "tried"), [(1, 1), (2, 3), (3, 1)])
def test_model_that_does_not_load_makes_it_fall_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, tried: int
) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda _: False)
    stage.error, stage.fails_in = DeployError("a does not load: out of memory"), step  # type: ignore[assignment]
    with pytest.raises(DeployError):
        stage.up()
    assert len(stage.tried) == tried


@pytest.mark.parametrize("text", ["", "[]", "{", '{"of": 7}', '{"count": 2}'])
def test_memory_that_is_none_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda _: True)
    path = tmp_path / "swarms/one/fallback.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert stage.up().fell == ""


def test_memory_of_more_fallbacks_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(tmp_path, monkeypatch, lambda spec: spec.engine.kv == "q4_0")
    stage.up()
    path = tmp_path / "swarms/one/fallback.json"
    path.write_text(path.read_text().replace("2", "7"))
    stage.tried.clear()
    stage.up()
    assert len(stage.tried) == 3
