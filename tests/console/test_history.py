"""History as people and programs read it: parts on several hosts stand under their swarm's name."""

import io
import json
from pathlib import Path

import pytest

from swarmctl.console import Console
from swarmctl.console.swarms import show_history
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Event, Ledger


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    ledger = Ledger(tmp_path / "ledger.sqlite", SystemClock())
    for name in ("team", "team_cards", "solo"):
        ledger.end(ledger.begin(name, "up"), "done")
    return ledger.events()


def test_a_part_is_shown_as_one_of_its_swarm(events: list[Event]) -> None:
    out = io.StringIO()
    show_history(Console(out=out), events)
    text = out.getvalue()
    assert "team (cards)" in text
    assert "team_cards" not in text
    assert "solo" in text


def test_programs_are_told_swarm_and_slot(events: list[Event]) -> None:
    out = io.StringIO()
    show_history(Console(as_json=True, out=out), events)
    found = {(one["swarm"], one["slot"]) for one in json.loads(out.getvalue())["events"]}
    assert found == {("team", ""), ("team", "cards"), ("solo", "")}
