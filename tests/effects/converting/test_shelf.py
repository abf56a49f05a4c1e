"""Unfinished files keep one promise, on this machine's disk and on that of a machine that converts for it."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.ggufs import Shape, write_model
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting import onhost
from swarmctl.effects.converting.onhost import OnHost, There
from swarmctl.effects.converting.shelf import Near, Shelf
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError


class Beside:
    """A way to another machine that is this one: commands run here, files are copied."""

    name = "gpu1"

    def __init__(self) -> None:
        self.shell = self.line = self
        self.ran: list[Sequence[str]] = []

    def run(self, argv: Sequence[str], *, seconds: float, check: bool = True, **_: Any) -> Completed:
        self.ran.append(argv)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
        if check and done.returncode:
            raise HostError(done.stderr)
        return Completed(done.stdout, done.stderr, done.returncode)

    def converse(self, argv: Sequence[str], *, hear: Callable[[bytes], None], **_: Any) -> Completed:
        done = subprocess.run(argv, capture_output=True, check=False)
        hear(done.stdout)
        return Completed("", done.stderr.decode(), done.returncode)

    def put(self, files: dict[str, Path], **_: Any) -> None:
        for place, path in files.items():
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            Path(place).write_bytes(path.read_bytes())

    def command(self, argv: Sequence[str], *, root: bool) -> list[str]:
        assert root
        return ["ssh", "gpu1", *argv]


@pytest.fixture(params=["near", "there"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Shelf, Path, Path]:
    """One of both, the folder that paths are of, and the one where its files really lie."""
    work = tmp_path / "work"
    work.mkdir()
    if request.param == "near":
        return Near(work), work, work
    far = tmp_path / "far"
    (far / "work").mkdir(parents=True)
    monkeypatch.setattr(onhost, "ROOT", str(far))
    over: Any = Beside()
    return There(over, work, SystemClock()), work, far / "work"


def test_a_file_is_whole_gets_its_name_comes_back_and_goes(shelf: tuple[Shelf, Path, Path]) -> None:
    files, work, real = shelf
    part, done = work / "k.part.gguf", work / "k.gguf"
    assert files.whole(part)
    assert files.size(part) == 0
    write_model(real / "k.part.gguf", Shape())
    assert files.whole(part) == ""
    files.take(part, done)
    assert not (real / "k.part.gguf").exists()
    assert files.bring(done).read_bytes() == (real / "k.gguf").read_bytes()
    files.drop(done)
    assert not (real / "k.gguf").exists()
    assert not done.exists()
    files.drop(done)


def test_a_folder_gets_its_name_and_goes_and_all_is_weighed(shelf: tuple[Shelf, Path, Path]) -> None:
    files, work, real = shelf
    (real / "k.part.merged" / "coder").mkdir(parents=True)
    (real / "k.part.merged" / "coder" / "config.json").write_text("{}")
    (real / "k.part.merged" / "coder" / "model.safetensors").write_bytes(b"x" * 100_000)
    assert files.whole(work / "k.part.merged" / "coder" / "config.json") == ""
    assert 100_000 <= files.size(work) < 200_000
    files.take(work / "k.part.merged", work / "k.merged")
    assert (real / "k.merged" / "coder" / "config.json").exists()
    files.drop(work / "k.merged")
    assert list(real.iterdir()) == []


def test_what_does_not_come_back_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onhost, "ROOT", str(tmp_path / "far"))
    (tmp_path / "work").mkdir()
    over: Any = Beside()
    with pytest.raises(HostError, match="does not come back"):
        There(over, tmp_path / "work", SystemClock()).bring(tmp_path / "work" / "k.gguf")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_source_is_sent_and_the_container_sees_that_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onhost, "ROOT", str(tmp_path / "far"))
    over: Any = Beside()
    tools = OnHost("sha256:1", over=over)
    (tmp_path / "config.json").write_text("{}")
    assert tools.lay(tmp_path, "coder", {"config.json": tmp_path / "config.json"}) == "/in/0/coder"
    assert tools.lay(tmp_path, "other", {"config.json": tmp_path / "config.json"}) == "/in/1/other"
    assert (tmp_path / "far" / "in" / "0" / "coder" / "config.json").read_text() == "{}"
    argv = tools.argv(tmp_path, 2000)
    assert argv[:4] == ["ssh", "gpu1", "docker", "run"]
    mounts = [argv[at + 1] for at, word in enumerate(argv) if word == "--mount"]
    assert [one.rpartition("target=")[2] for one in mounts] == [
        "/opt/swarmctl/swarmctl/converter,readonly", "/work", "/in,readonly"
    ]  # fmt: skip
    assert argv[argv.index("--network") + 1] == "none"
    assert argv[argv.index("--user") + 1] == "65534:65534"
    assert tools.seen(tmp_path / "k.gguf", tmp_path) == "/work/k.gguf"
