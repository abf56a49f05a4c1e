"""`plan` says what a changed file means for a machine that is held, before `up` does it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swarmctl.commands import wished
from swarmctl.commands.plan import plan
from swarmctl.core.placed import Placed
from swarmctl.core.specfile import Override
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

FILE = """\
name: mine
runtime: process
target: {vast: {gpu: a100, idle: 30m, ttl: 8h, budget: 5}}
models: {m: {package: x==1, file: x.gguf, device: cpu}}
roles: {orchestrator: {model: m}}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "ledger.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path)


def opened(tmp_path: Path, *changes: tuple[str, str]) -> Opened:
    (tmp_path / "swarm.yml").write_text(FILE)
    words = [Override(("target", "vast", name), value, "--set") for name, value in changes]
    return open_spec(tmp_path / "swarm.yml", overrides=words)


def held(tmp_path: Path, world: World, *, key: bool = True) -> None:
    """Machine 7 is held, and was told what the file says."""
    world.put(Placed(swarm="mine", host={"name": "slot-0", "address": "localhost"}, lease="7", runtime="process"))
    me: Any = SimpleNamespace(world=world, swarm="mine", opened=opened(tmp_path))
    wished.note(me)
    if key:
        lease_book(tmp_path, world.clock).keep_key("7", Secret("its-own"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("idle", "10m"), "idle: changed in the file; machine 7 is told by: swarmctl up"),
        (("at_end", "destroy"), "at_end: changed in the file; machine 7 is told by: swarmctl up"),
        (("budget", "9"), "swarmctl extend --lease 7 --budget 9"),
        (("ttl", "9h"), "swarmctl extend --lease 7 --ttl 32400s"),
        (("gpu", "h100"), "gpu: changed in the file, and counts when a machine is rented; machine 7 stays as it is"),
    ],
)
def test_each_change_is_said(tmp_path: Path, world: World, change: tuple[str, str], said: str) -> None:
    held(tmp_path, world)
    (sentence,) = wished.foretold(opened(tmp_path, change), world)
    assert said in sentence


def test_who_did_not_rent_it_cannot_tell_its_guard(tmp_path: Path, world: World) -> None:
    held(tmp_path, world, key=False)
    (sentence,) = wished.foretold(opened(tmp_path, ("idle", "10m")), world)
    assert "takes that only from the computer that rented it" in sentence


def test_nothing_is_said_of_what_is_as_it_was(tmp_path: Path, world: World) -> None:
    assert wished.foretold(opened(tmp_path, ("idle", "10m")), world) == (), "nothing is held"
    held(tmp_path, world)
    assert wished.foretold(opened(tmp_path), world) == ()


def test_plan_shows_it(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held(tmp_path, world)
    monkeypatch.setattr(World, "hand", lambda *_: None)
    shown = plan(opened(tmp_path, ("idle", "10m")), world).warnings
    assert "idle: changed in the file; machine 7 is told by: swarmctl up" in shown
