"""Downloads from a hub: whole, cut, continued, changed meanwhile, refused."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.hub import Hub
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.sources import hub as hub_source
from swarmctl.errors import HostError, SpecError

PATH = "/org/name/resolve/main/a%20b/m.gguf"
SOURCE = ModelSource(hf="org/name", file="a b/m.gguf")
DATA = random.Random(3).randbytes(3_000_000)


KILLED = """
import os, sys
from pathlib import Path
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.sources import hub
def progress(done, total):
    if done > 1_000_000:
        os.kill(os.getpid(), 9)
hub.bring(ModelSource(hf="org/name", file="a b/m.gguf"), Path(sys.argv[1]), progress, SystemClock())
"""


class Clock(SystemClock):
    """Remembers what it was asked to wait, and does not."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with Hub() as it:
        it.files[PATH] = DATA
        monkeypatch.setenv("HF_ENDPOINT", it.url + "/")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield it


def bring(folder: Path, told: list[tuple[int, int | None]] | None = None, clock: Clock | None = None) -> bytes:
    seen = told if told is not None else []
    folder.mkdir(exist_ok=True)
    path, digest = hub_source.bring(SOURCE, folder, lambda *at: seen.append(at), clock or Clock())
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest
    return data


def test_a_whole_file_comes_in_one_request_with_progress(hub: Hub, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    assert bring(tmp_path / "in", told) == DATA
    assert len(hub.seen) == 1
    assert "authorization" not in hub.seen[0]
    assert told[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_dropped_connection_is_continued_not_repeated(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_200_000, 700_000]
    assert bring(tmp_path / "in") == DATA
    starts = [int(r.get("range", "bytes=0-")[6:-1]) for r in hub.seen]
    assert starts[0] == 0
    assert 0 < starts[1] < starts[2]
    assert all(r["if-range"] == hub.etag(DATA) for r in hub.seen[1:])


@pytest.mark.slow
def test_a_killed_download_goes_on_in_the_next_process(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, timeout=30)
    assert killed.returncode == -9
    have = (folder / "part").stat().st_size
    assert have > 0
    assert bring(folder) == DATA
    assert hub.seen[-1]["range"] == f"bytes={have}-"


def test_a_file_that_changed_meanwhile_starts_over(hub: Hub, tmp_path: Path) -> None:
    class Dying(Clock):
        """The first wait lets the hub go down for good."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            hub.codes = [503]

    hub.cuts = [1_500_000]
    with pytest.raises(HostError, match="cannot be read"):
        bring(tmp_path / "in", clock=Dying())
    assert (tmp_path / "in" / "part").stat().st_size > 1_000_000
    hub.codes = []
    hub.files[PATH] = DATA[::-1]
    assert bring(tmp_path / "in") == DATA[::-1]
    assert "range" in hub.seen[-1]


def test_a_part_without_a_strong_etag_is_not_trusted(hub: Hub, tmp_path: Path) -> None:
    hub.weak = True
    hub.cuts = [1_500_000]
    assert bring(tmp_path / "in") == DATA
    assert all("range" not in r for r in hub.seen)


def test_a_hub_without_ranges_sends_it_all_again(hub: Hub, tmp_path: Path) -> None:
    hub.ranges_off = True
    hub.cuts = [1_500_000]
    assert bring(tmp_path / "in") == DATA
    assert len(hub.seen) == 2


def test_a_part_that_is_already_whole_is_taken(hub: Hub, tmp_path: Path) -> None:
    assert bring(tmp_path / "in") == DATA
    assert bring(tmp_path / "in") == DATA
    assert hub.seen[1]["range"] == f"bytes={len(DATA)}-"
    hub.files[PATH] = DATA[:1000]
    assert bring(tmp_path / "in") == DATA[:1000]


def test_a_hub_that_stays_down_is_named_after_patient_tries(hub: Hub, tmp_path: Path) -> None:
    clock = Clock()
    hub.codes = [503] * 9
    with pytest.raises(HostError, match="cannot be read") as e:
        bring(tmp_path / "in", clock=clock)
    assert clock.waits == [0.0, 1.0, 2.0, 4.0]
    assert "0 bytes are kept" in e.value.detail


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (404, SpecError, "the hub has no"),
        (401, HostError, "does not let us"),
        (403, HostError, "does not let us"),
        (400, HostError, "HTTP 400"),
    ],
)
def test_refusals_say_what_to_do(code: int, kind: type[Exception], words: str, hub: Hub, tmp_path: Path) -> None:
    hub.codes = [code]
    with pytest.raises(kind, match=words):
        bring(tmp_path / "in")
    assert len(hub.seen) == 1


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_token_opens_and_does_not_travel_on(
    where: str, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "environment":
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
    else:
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text("hf_secret\n")
    hub.token = "hf_secret"
    with Hub() as storage:
        storage.files[PATH] = DATA
        hub.storage = storage.url.replace("127.0.0.1", "localhost")
        assert bring(tmp_path / "in") == DATA
        assert hub.seen[0]["authorization"] == "Bearer hf_secret"
        assert "authorization" not in storage.seen[0]


def test_what_differs_from_the_hubs_own_sha256_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    with Hub() as storage:
        storage.files[PATH] = DATA
        hub.storage, hub.linked = storage.url, "a" * 64
        with pytest.raises(HostError, match="came damaged"):
            bring(tmp_path / "in")
    assert not (tmp_path / "in" / "part").exists()


def test_a_token_never_goes_to_another_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    from swarmctl.effects.sources.bearer import bearer

    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert bearer("http://hub.example/x") is None
    assert bearer("https://hub.example/x") is not None
    assert bearer("http://[::1]:80/x") is not None
