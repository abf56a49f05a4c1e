"""What doctor says of containers: each thing that is missing, with what mends it."""

from pathlib import Path
from typing import Any

import pytest

from swarmctl.commands import doctordocker
from swarmctl.commands.doctordocker import containers
from swarmctl.core.machine import Gpu, Machine
from swarmctl.errors import HostError

BARE = Machine("m", "Linux x86_64", 2, 8000, 7000, 50_000)
CARD = Machine("m", "Linux x86_64", 2, 8000, 7000, 50_000, (Gpu("NVIDIA L4", 23034),))
DOCKER = """#!/bin/sh
case "$1" in
compose) echo 2.26.1;;
buildx) {buildx};;
esac
"""


def install(package: str) -> str:
    return f"get {package}"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are looked for; `docker` is there, with both plugins."""
    (tmp_path / "docker").write_text(DOCKER.format(buildx="echo github.com/docker/buildx v0.13.1"))
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def answers(monkeypatch: pytest.MonkeyPatch, info: dict[str, Any] | HostError) -> None:
    def ask(_path: str, **_query: Any) -> Any:
        if isinstance(info, HostError):
            raise info
        return info

    monkeypatch.setattr("swarmctl.effects.dockerapi.asking", lambda: ask)


@pytest.mark.usefixtures("path")
def test_all_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, {"ServerVersion": "28.2.2"})
    found = list(containers(BARE, install))
    assert [(one.name, one.level, one.found) for one in found] == [
        ("docker", "ok", "Engine 28.2.2"),
        ("compose", "ok", "Compose 2.26.1"),
        ("buildx", "ok", "Buildx 0.13.1"),
    ]


def test_no_buildx(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path / "docker").write_text(DOCKER.format(buildx="exit 1"))
    answers(monkeypatch, {"ServerVersion": "28.2.2"})
    found = {one.name: one for one in containers(BARE, install)}
    assert (found["buildx"].level, found["buildx"].mend) == ("optional", "get docker-buildx")


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("hint", "mend"), [("swarmctl doctor", "systemctl start docker"), ("sudo usermod -aG docker $USER", "usermod")]
)
def test_no_engine(monkeypatch: pytest.MonkeyPatch, hint: str, mend: str) -> None:
    answers(monkeypatch, HostError("no Docker Engine answers", detail="/run/x: Errno", hint=hint))
    first = next(iter(containers(BARE, install)))
    assert first.level == "optional"
    assert "/run/x: Errno" in first.found
    assert mend in first.mend


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    ("info", "level", "said"),
    [
        ({"ServerVersion": "20.10.24", "Runtimes": {"runc": {}, "nvidia": {}}}, "ok", "by the runtime nvidia"),
        ({"ServerVersion": "20.10.24", "Runtimes": {"runc": {}}}, "optional", "no runtime nvidia"),
        ({"ServerVersion": "28.2.2", "CDISpecDirs": []}, "optional", "CDI is off"),
        ({"ServerVersion": "28.2.2", "CDISpecDirs": ["with"]}, "ok", "by CDI"),
        ({"ServerVersion": "28.2.2", "CDISpecDirs": ["without", "nowhere"]}, "optional", "no CDI file names them"),
        ({"ServerVersion": "nonsense", "Runtimes": None}, "optional", "no runtime nvidia"),
    ],
)
def test_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: dict[str, Any], level: str, said: str) -> None:
    for name, text in (("with", "kind: nvidia.com/gpu"), ("without", "kind: other.com/nic")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cards.yaml").write_text(text)
    if "CDISpecDirs" in info:
        info = {**info, "CDISpecDirs": [str(tmp_path / name) for name in info["CDISpecDirs"]]}
    answers(monkeypatch, info)
    found = {one.name: one for one in containers(CARD, install)}["gpu use"]
    assert found.level == level
    assert said in found.found
    assert bool(found.mend) == (level != "ok")
    assert doctordocker._NEEDED in found.needed_for or level == "ok"
