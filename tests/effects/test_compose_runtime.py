"""What Docker will not let go of at once: tried again, freed where it holds on to nothing, and named at the end."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from swarmctl.effects.runtimes.compose import ComposeRuntime, compose_version
from swarmctl.errors import DeployError, HostError, PortTakenError

NET, HERE, GONE = "c" * 64, "a" * 64, "b" * 64
BUSY = "Error response from daemon: error while removing network: network agents has active endpoints"


class Clock:
    """Does not wait."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Engine:
    """One network of a swarm. ends: what Docker believes is on it; it goes when nothing is."""

    def __init__(self, folder: Path, ends: dict[str, str]) -> None:
        self.file = folder / "ends.json"
        self.file.write_text(json.dumps({key: {"Name": name} for key, name in ends.items()}))

    def __call__(self, path: str, **query: Any) -> Any:
        if path == "/containers/json":
            mine = "label" in query.get("filters", {})
            return [] if mine else [{"Id": HERE, "Names": ["/other"]}]
        if path == "/volumes":
            return {"Volumes": None}
        there = json.loads(self.file.read_text()) if self.file.exists() else None
        if path == "/networks":
            return [] if there is None else [{"Id": NET, "Name": "agents"}]
        assert path == f"/networks/{NET}"
        return {"Containers": there}


SCRIPT = """#!{python}
import json, pathlib, sys
file, words = pathlib.Path({file!r}), sys.argv[1:]
with open({log!r}, "a") as log:
    print(*words, file=log)
ends = json.loads(file.read_text())
if words[:2] == ["network", "disconnect"]:
    file.write_text(json.dumps({{key: end for key, end in ends.items() if end["Name"] != words[-1]}}))
elif words[:2] == ["network", "rm"]:
    if ends:
        sys.exit({busy!r} + "\\nexit status 1")
    file.unlink()
"""

Make = Callable[[dict[str, str]], ComposeRuntime]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A runtime before an Engine of which only the network is told; `docker` writes down what it is asked."""

    def made(ends: dict[str, str]) -> ComposeRuntime:
        engine, command = Engine(tmp_path, ends), tmp_path / "docker"
        told = {"file": str(engine.file), "log": str(tmp_path / "asked"), "busy": BUSY, "python": sys.executable}
        command.write_text(SCRIPT.format(**told))
        command.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        return ComposeRuntime("demo", engine, Clock())

    return made


def test_an_end_of_a_container_that_is_gone_is_taken_off(make: Make, tmp_path: Path) -> None:
    told: list[str] = []
    assert make({GONE: "demo-agent-docs-1"}).stop(tell=told.append) == []
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert first == f"network disconnect --force {NET} demo-agent-docs-1"
    assert second == f"network rm {NET}"
    assert told == []


def test_somebody_who_is_there_is_left_alone_and_named(make: Make, tmp_path: Path) -> None:
    told: list[str] = []
    (left,) = make({HERE: "other"}).stop(tell=told.append)
    assert left == f"network agents: {BUSY.partition('daemon: ')[2]} (on it: other)"
    assert "disconnect" not in (tmp_path / "asked").read_text()
    assert len(told) > 5
    assert told[0].endswith("trying again")


def test_an_engine_that_goes_while_it_is_asked_is_no_clean_end(tmp_path: Path) -> None:
    def silent(_path: str, **_query: Any) -> Any:
        raise HostError("no Docker Engine answers")

    with pytest.raises(HostError):
        ComposeRuntime("demo", silent, Clock()).stop()


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ("echo 2.26.1-4", None, "2.26.1-4"),
        ("echo v2.40.0", None, "2.40.0"),
        ("echo 2.3.3", HostError, "Compose 2.3.3 is older than 2.20"),
        ("echo 'unknown flag: --short' >&2; exit 125", HostError, "its Compose is not"),
        ("echo nonsense", HostError, "its Compose is not"),
        ("", HostError, "its Compose is not"),
        (None, HostError, "the docker command is not here"),
    ],
)
def test_compose_is_here_and_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, kind: type[HostError] | None, said: str
) -> None:
    if script is not None:
        (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if kind is None:
        assert compose_version() == said
        return
    with pytest.raises(kind, match=said) as raised:
        compose_version()
    assert raised.value.hint == "swarmctl doctor"


@pytest.mark.parametrize(
    ("words", "kind", "said", "hint"),
    [
        ("Cannot connect to the Docker daemon at unix:///x.", HostError, "no Docker", "doctor"),
        ("Bind for 127.0.0.1:11434 failed: port is already allocated", PortTakenError, "port", "swarmctl up"),
        ("mkdir /var/lib/docker/x: no space left on device", DeployError, "no space", "df -h"),
        ("something else", DeployError, "cannot start cpu", ""),
    ],
)  # fmt: skip
def test_why_compose_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, kind: type[Exception], said: str, hint: str
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho 'Error response from daemon: {words}' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(kind, match=said) as raised:
        ComposeRuntime("demo", lambda _path, **_query: None, Clock()).up(tmp_path / "cpu.yml")
    assert type(raised.value) is kind
    assert isinstance(raised.value, HostError | DeployError)
    assert hint in raised.value.hint
    assert words in raised.value.detail


def test_without_our_own_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(HostError, match="need the package docker") as refused:
        ComposeRuntime("demo", lambda *_a, **_k: None).able()
    assert "swarmctl[compose]" in refused.value.hint
