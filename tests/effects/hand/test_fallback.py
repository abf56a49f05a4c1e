"""A proof that fails on another machine falls back there: the next setting is deployed, proved and kept to."""

from pathlib import Path
from typing import Any

import pytest

from fakes.nearhand import near
from ground.places import tiny
from swarmctl.commands.up import Report, up
from swarmctl.core.handtalk import failure
from swarmctl.effects.clearing import clear
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.specs import open_spec
from swarmctl.effects.world import World
from swarmctl.errors import HealthError

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not tiny("backend").exists(), reason="make ground")]
FILE = """\
name: mine
target: {{ssh: {{hosts: [near]}}}}
runtime: process
engine: {{context: 1024}}
models: {{m: {{path: {path}}}}}
roles: {{orchestrator: {{model: m}}}}
limits: {{output: 64}}
fallbacks: [{{context: 512}}]
"""


def _up(file: Path, world: World) -> Report:
    return up(open_spec(file), world, approve=lambda _: True, tell=lambda _: None)


def test_the_next_fallback_is_what_runs_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = near(tmp_path, "mine")
    file = tmp_path / "swarm.yml"
    file.write_text(FILE.format(path=tiny("backend")))
    plain, executed = Hand.ask, list[dict[str, Any]]()

    def ask(hand: Hand, do: str, **fields: Any) -> Any:
        """The first that is carried out ends with a proof that does not hold."""
        said = plain(hand, do, **fields)
        if do != "execute":
            return said
        executed.append(said)
        first = HealthError("1 of 9 proofs failed", detail="the context is not in force")
        return {**said, "failed": failure(first)} if len(executed) == 1 else said

    monkeypatch.setattr(Hand, "ask", ask)
    try:
        done = _up(file, world)
        assert done.done
        assert "context 1024 → 512" in done.fell
        assert done.verdict is not None
        assert done.verdict.passed
        (engine,) = [one for one in world.require("mine").services if one.kind == "engine"]
        assert engine.settings["context"] == 512
        assert any("512" in proof.measured for proof in done.verdict.proofs if "context" in proof.name)
        again = _up(file, world)
        assert not again.done, "what held is kept to"
        assert len(executed) == 2
    finally:
        clear("mine", world, purge=True)
