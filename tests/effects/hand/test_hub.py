"""A model of a hub on a machine without Docker: fetched by the machine itself, by its hash, or sent where it cannot."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.hub import Hub
from fakes.nearhand import near
from ground.places import tiny
from swarmctl.commands.up import up
from swarmctl.effects.clearing import clear
from swarmctl.effects.hosts.talk import Feed, Hear, talk
from swarmctl.effects.process import Completed
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.world import World

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not tiny("backend").exists(), reason="make ground")]
COMMIT = "c" * 40
PATH = "/tiny/backend/resolve/{}/backend.gguf"
FILE = """\
name: mine
target: {ssh: {hosts: [near]}}
runtime: process
engine: {context: 512}
models: {m: {hf: tiny/backend, file: backend.gguf}}
roles: {orchestrator: {model: m}}
limits: {output: 64}
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """One that both can reach, as one in the world is."""
    with Hub() as made:
        made.files[PATH.format("main")], made.commit = tiny("backend").read_bytes(), COMMIT
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        for module in ("bringing.resolving", "hand.job"):
            monkeypatch.setattr(f"swarmctl.effects.{module}.is_loopback", lambda _url: False, raising=False)
        yield made


def _opened(folder: Path) -> Opened:
    (folder / "swarm.yml").write_text(FILE)
    return open_spec(folder / "swarm.yml")


def _up(opened: Opened, world: World) -> bool:
    report = up(opened, world, approve=lambda _: True, tell=lambda _: None)
    assert report.verdict is None or report.verdict.passed
    return report.done


def _held_there(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "there" / "store" / "blobs").glob("*")]


DIGEST = f"sha256-{hashlib.sha256(tiny('backend').read_bytes()).hexdigest()}" if tiny("backend").exists() else ""


def test_the_machine_fetches_it_at_its_commit_and_nothing_of_it_comes_here(tmp_path: Path, hub: Hub) -> None:
    world, _ = near(tmp_path, "mine")
    opened = _opened(tmp_path)
    try:
        assert _up(opened, world)
        whole = [seen for seen in hub.seen if seen.get("range") == "bytes=0-" and COMMIT in seen["path"]]
        assert [seen["path"] for seen in whole] == [PATH.format(COMMIT)], "once, and the one that was looked at"
        assert _held_there(tmp_path) == [DIGEST]
        assert world.store.all() == []
        assert not _up(opened, world), "a second up does nothing"
    finally:
        clear("mine", world, purge=True)


def test_one_that_does_not_reach_the_hub_is_sent_it_and_that_is_said(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, hand = near(tmp_path, "mine")
    nowhere = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    plain = hand.over.line.converse

    def converse(argv: list[str], *, feed: Feed, hear: Hear, seconds: float, **more: object) -> Completed:
        if argv[:2] != ["python3", "-I"]:
            return plain(argv, feed=feed, hear=hear, seconds=seconds, root=False)
        done = talk(argv, env=nowhere, seconds=seconds, feed=feed, hear=hear)
        return Completed(done.out.decode(), done.said, done.code)

    monkeypatch.setattr(hand.over.line, "converse", converse, raising=False)
    said: list[str] = []
    world.errands.say = said.append
    try:
        assert _up(_opened(tmp_path), world)
        assert any("does not reach the hub" in line and "goes through here" in line for line in said)
        assert _held_there(tmp_path) == [DIGEST]
        assert [model.key for model in world.store.all()] == ["hf:tiny/backend@main#backend.gguf"]
    finally:
        clear("mine", world, purge=True)
