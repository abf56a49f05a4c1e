"""Models' files on another machine: fetched there, sent, gone on with, checked; by the program that runs there."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from fakes.depots import Near, depot
from fakes.hub import Hub
from swarmctl.effects.bringing.depot import CannotFetchError, File
from swarmctl.errors import HostError

DATA = os.urandom(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()
FILE = File(DIGEST, len(DATA))
PATH = "/owner/model/resolve/main/model.gguf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of one swarm's models, alone beside others."""
    made = tmp_path / "models" / "team"
    made.mkdir(parents=True)
    return made


def place(folder: Path) -> Path:
    return folder / "gguf" / f"{DIGEST}.gguf"


def test_a_file_is_fetched_by_the_machine_under_its_hash(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    with Hub() as hub:
        hub.files[PATH] = DATA
        there = depot(folder)
        assert there.look().whole == frozenset()
        assert there.pull(FILE, hub.url + PATH, watch=lambda *said: told.append(said)) == len(DATA)
        assert there.pull(FILE, hub.url + PATH) == 0
    assert place(folder).read_bytes() == DATA
    assert there.look().whole == {DIGEST}
    assert (len(DATA), len(DATA)) in told
    assert len(hub.seen) == 1


def test_a_fetch_that_is_cut_is_gone_on_with(folder: Path) -> None:
    with Hub() as hub:
        hub.files[PATH], hub.cuts = DATA, [1_000_000, 500_000]
        depot(folder).pull(FILE, hub.url + PATH)
        ranges = [seen["range"] for seen in hub.seen]
    assert ranges == ["bytes=0-", "bytes=1000000-", "bytes=1500000-"]
    assert place(folder).read_bytes() == DATA


def test_what_an_earlier_try_left_is_gone_on_with(folder: Path) -> None:
    with Hub() as hub:
        hub.files[PATH] = DATA
        part = folder / "incoming" / DIGEST
        part.parent.mkdir()
        part.write_bytes(DATA[:2_000_000])
        assert depot(folder).look().parts == {DIGEST: 2_000_000}
        assert depot(folder).pull(FILE, hub.url + PATH) == 1_000_000
    assert not part.exists()
    assert place(folder).read_bytes() == DATA


def test_bytes_that_are_others_are_never_a_model(folder: Path) -> None:
    with Hub() as hub:
        hub.files[PATH] = DATA[:-1] + bytes([DATA[-1] ^ 1])
        with pytest.raises(CannotFetchError, match="other bytes"):
            depot(folder).pull(FILE, hub.url + PATH)
    assert not place(folder).exists()
    assert depot(folder).look().parts == {DIGEST: 0}


@pytest.mark.parametrize(("code", "words"), [(403, "is refused"), (404, "does not find")])
def test_a_hub_that_says_no(folder: Path, code: int, words: str) -> None:
    with Hub() as hub:
        hub.codes = [code]
        with pytest.raises(CannotFetchError, match=words):
            depot(folder).pull(FILE, hub.url + PATH)
    assert len(hub.seen) == 1


@pytest.mark.slow
def test_a_hub_that_is_not_reached(folder: Path) -> None:
    with pytest.raises(CannotFetchError, match="does not reach"):
        depot(folder).pull(FILE, "http://127.0.0.1:9" + PATH)
    with pytest.raises(CannotFetchError, match="does not reach"):
        depot(folder).pull(FILE, "http://no.such.hub.invalid" + PATH)


def test_a_slow_way_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarmctl.effects.bringing.depot.LEAST", 10**12)
    monkeypatch.setattr("swarmctl.effects.bringing.depot.WINDOW", 0.0)
    with Hub() as hub:
        hub.files[PATH] = DATA
        with pytest.raises(CannotFetchError, match="slow way"):
            depot(folder).pull(FILE, hub.url + PATH)


def test_a_token_goes_to_the_hub_alone_and_lies_nowhere(folder: Path) -> None:
    with Hub() as storage, Hub() as hub:
        hub.files[PATH] = storage.files[PATH] = DATA
        # the same address under another name is another host to whoever follows
        hub.token, hub.storage = "hf_secret", storage.url.replace("127.0.0.1", "localhost")
        with pytest.raises(CannotFetchError, match="refused"):
            depot(folder).pull(FILE, hub.url + PATH)
        depot(folder).pull(FILE, hub.url + PATH, token="hf_secret")
    assert "authorization" not in storage.seen[-1]
    assert place(folder).read_bytes() == DATA
    assert all(b"hf_secret" not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_sent_and_after_a_cut_only_what_is_missing(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(DATA)

    class CutError(Exception):
        pass

    def cut(done: int, total: int) -> None:
        if done > 1_000_000:
            raise CutError

    there = depot(folder)
    (folder / "incoming").mkdir()
    (folder / "incoming" / DIGEST).write_bytes(DATA[:1_200_000])
    with pytest.raises(CutError):
        there.push(FILE, source, cut)
    kept = there.look().parts[DIGEST]
    assert 1_200_000 <= kept < len(DATA)
    assert there.push(FILE, source) == len(DATA) - kept
    assert place(folder).read_bytes() == DATA
    assert there.push(FILE, source) == 0, "it is there"


def test_another_swarm_of_the_machine_has_it_already(tmp_path: Path) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(DATA)
    depot(tmp_path / "models" / "one").push(FILE, source)
    assert depot(tmp_path / "models" / "two").push(FILE, source) == 0
    assert place(tmp_path / "models" / "one").samefile(place(tmp_path / "models" / "two"))


def test_ollama_is_lent_the_file_and_what_it_rewrote_stands_for_it(folder: Path, tmp_path: Path) -> None:
    source, blobs = tmp_path / "model.gguf", folder / "ollama" / "blobs"
    source.write_bytes(DATA)
    there = depot(folder)
    there.push(FILE, source)
    there.lend(DIGEST)
    assert (blobs / f"sha256-{DIGEST}").samefile(place(folder)), "no second copy"

    rewritten = b"its own form"
    stored = hashlib.sha256(rewritten).hexdigest()
    (blobs / f"sha256-{stored}").write_bytes(rewritten)
    assert there.rewritten(DIGEST, stored, read=False) == len(DATA)
    assert sorted(path.name for path in blobs.iterdir()) == [f"sha256-{stored}"]
    assert there.look().whole == {DIGEST}, "it is there, in its server's form"
    there.remove([stored])
    assert there.look().whole == frozenset()
    with pytest.raises(HostError):
        there.lend(DIGEST)


def test_a_damaged_model_is_seen(folder: Path) -> None:
    there, blobs = depot(folder), folder / "ollama" / "blobs"
    place_of = folder / "ollama/manifests/registry.ollama.ai/library/lead/latest"
    place_of.parent.mkdir(parents=True)
    blobs.mkdir()
    media = "application/vnd.ollama.image.model"
    place_of.write_text(json.dumps({"layers": [{"mediaType": media, "digest": f"sha256:{DIGEST}"}]}))
    (blobs / f"sha256-{DIGEST}").write_bytes(DATA)
    assert not there.damaged("lead")
    (blobs / f"sha256-{DIGEST}").write_bytes(DATA[1:])
    assert there.damaged("lead")
    assert not there.damaged("nobody"), "what is not known is not damaged"


def test_a_disk_without_room_is_said_and_never_sent_to(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.gguf"
    source.write_bytes(DATA)
    with pytest.raises(HostError, match="disk is full") as caught:
        depot(folder).push(File(DIGEST, 10**18), source)
    assert not isinstance(caught.value, CannotFetchError)
    assert "free" in caught.value.detail


def test_where_there_is_no_python_it_is_said(folder: Path) -> None:
    class Bare(Near):
        def converse(self, argv, **more):  # type: ignore[no-untyped-def]
            return super().converse(["sh", "-c", "cat >/dev/null; exit 127"], **more)

    with pytest.raises(HostError, match="no Python 3"):
        depot(folder, Bare()).look()


def test_nonsense_from_there_is_an_error_and_no_traceback(folder: Path) -> None:
    for said in ("rubbish", '{"ended": 3}', '{"done": "x"}', '{"ready": null}', "[1]", '{"failed": {}, "said": 7}'):

        class Odd(Near):
            def converse(self, argv, said=said, **more):  # type: ignore[no-untyped-def]
                return super().converse(["sh", "-c", "cat >/dev/null & printf '%s\\n' \"$1\"", "sh", said], **more)

        with pytest.raises(HostError):
            depot(folder, Odd()).look()
