"""What the command line makes of a swarm over several hosts: a command for each, and one answer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from core.parts.test_split import HOSTS, ROLES_OF_TWO, tree
from swarmctl.cli import app
from swarmctl.commands.parts import up as story
from swarmctl.commands.parts.up import Report
from swarmctl.effects.parts.children import Ended
from swarmctl.errors import HostError, SpecError


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[str]]:
    """What each slot's command was given; none is run."""
    given: dict[str, list[str]] = {}

    def up(opened: Any, _world: object, words: Mapping[str, Sequence[str]], *, tell: object) -> Report:
        given.update({slot: list(line) for slot, line in words.items()})
        ended = {slot: Ended(6 if slot == "far" else 0, {"message": "away"} if slot == "far" else {}) for slot in words}
        return Report(opened.spec.name, ended, None, 1.0, False, tuple(words), tuple(s for s in words if s == "far"))

    monkeypatch.setattr(story, "up", up)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    two = {name: HOSTS[name] for name in ("desk", "cards")}
    Path("swarm.yml").write_text(yaml.safe_dump(tree(ROLES_OF_TWO, two), sort_keys=False))
    return given


def _type(*line: str) -> int:
    return int(app(list(line), standalone_mode=False) or 0)


def test_every_option_is_handed_on_to_each_part_once(words: dict[str, list[str]]) -> None:
    _type("up", "--keep", "--context", "2048", "--set", "limits.output=64", "--set", "limits.requests=3")
    more = ["--context", "2048", "--set", "limits.output=64", "--set", "limits.requests=3", "--keep"]
    assert set(words) == {"desk", "cards"}
    for slot, line in words.items():
        assert line[:5] == ["up", "--part", slot, "--yes", "--json"]
        assert line[5:] == more


def test_one_slot_is_brought_up_alone_and_one_that_is_none_is_said(words: dict[str, list[str]]) -> None:
    _type("up", "--slot", "cards")
    assert list(words) == ["cards"]
    with pytest.raises(SpecError, match=r"there is no slot 'card'; there are: desk, cards; did you mean 'cards'"):
        _type("up", "--slot", "card")


def test_a_slot_of_a_swarm_on_one_host_is_said(words: dict[str, list[str]]) -> None:
    Path("swarm.yml").write_text(
        yaml.safe_dump({**tree({"orchestrator": {"model": "a"}}, {}), "target": {"local": {}}})
    )
    with pytest.raises(SpecError, match="there is no slot 'desk'; there are: none"):
        _type("up", "--slot", "desk")
    assert words == {}


def test_a_host_that_failed_is_the_exit_code_and_the_answer(
    words: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    roles = {**ROLES_OF_TWO, "docs": {"model": "b", "slot": "far"}}
    Path("swarm.yml").write_text(yaml.safe_dump(tree(roles, HOSTS)))
    with pytest.raises(HostError, match="far: away"):
        _type("up", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "swarmctl/up-slots/v1"
    assert {slot: one["exit_code"] for slot, one in said["slots"].items()} == {"desk": 0, "cards": 0, "far": 6}


def test_what_has_no_answer_for_several_hosts_says_so(words: dict[str, list[str]]) -> None:
    with pytest.raises(SpecError, match="is not written out"):
        _type("render", "out")
    assert not Path("out").exists()


def test_a_machine_that_is_to_be_paid_for_wants_a_yes(
    words: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from swarmctl.commands.parts import planning

    monkeypatch.setattr(planning, "plan", lambda *_: planning.Plans("team", {}, ("a note",)))
    Path("swarm.yml").write_text(yaml.safe_dump(tree(ROLES_OF_TWO, {"desk": {}, "cards": {"vast": {}}})))
    try:
        code = _type("up")
    except typer.Exit as e:
        code = e.exit_code
    assert code == 130
    assert words == {}
    assert "nobody is here to say yes" in capsys.readouterr().err
    _type("up", "--yes")
    assert set(words) == {"desk", "cards"}
    assert "a note" in capsys.readouterr().out, "what it comes to is shown to whoever said yes before, too"
    _type("up", "--yes", "--json")
    assert json.loads(capsys.readouterr().out)["schema"] == "swarmctl/up-slots/v1", "one document"
