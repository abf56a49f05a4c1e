"""After a failed proof on a rented machine whoever is at the terminal is asked; nobody else is, and it is held."""

import io
import sys
from pathlib import Path

import pytest
import typer

from swarmctl.cli.up import _held_or_not
from swarmctl.commands import down as downs
from swarmctl.console import Console
from swarmctl.core.placed import Placed
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HealthError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(SystemClock(), Ledger(tmp_path / "l.sqlite", SystemClock()), ModelStore(tmp_path / "models"), tmp_path)


def answered(
    world: World, monkeypatch: pytest.MonkeyPatch, *, here: bool, answer: bool
) -> tuple[list[str], list[str], str]:
    """Questions that were asked, swarms that were taken down, and the hint of the error."""
    asked: list[str] = []
    gone: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal() if here else io.StringIO())
    monkeypatch.setattr(downs, "down", lambda swarm, _world, **_: gone.append(swarm))

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(typer, "confirm", confirm)
    failure = HealthError("a proof failed", hint="swarmctl status")
    _held_or_not(Console(err=Terminal() if here else io.StringIO()), "seven", world, failure)
    return asked, gone, failure.hint


def rented(world: World, lease: str = "77") -> None:
    world.put(Placed(swarm="seven", host={"name": "slot-0", "address": "10.0.0.1"}, lease=lease))


@pytest.mark.parametrize(("answer", "gone"), [(True, []), (False, ["seven"])])
def test_who_is_here_is_asked(world: World, monkeypatch: pytest.MonkeyPatch, *, answer: bool, gone: list[str]) -> None:
    rented(world)
    asked, ended, hint = answered(world, monkeypatch, here=True, answer=answer)
    assert (asked, ended) == (["hold machine 77, to look at it?"], gone)
    assert ("given back" in hint) == (not answer)


def test_nobody_is_here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rented(world)
    assert answered(world, monkeypatch, here=False, answer=False) == ([], [], "swarmctl status")


@pytest.mark.parametrize("own", [True, False])
def test_what_is_not_rented_is_not_asked_about(world: World, monkeypatch: pytest.MonkeyPatch, *, own: bool) -> None:
    if own:
        rented(world, lease="")
    assert answered(world, monkeypatch, here=True, answer=False) == ([], [], "swarmctl status")
