"""The model store: whole files under their final names, whatever happens on the way.

Over 300 lines: every case is a turn in the life of one store.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.ggufs import Shape, write_model
from fakes.hub import Hub
from swarmctl.core.spec import ModelSource
from swarmctl.effects.sources import localfile
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError, LockedError, SpecError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.gguf", Shape())


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of(path: Path, **more: str) -> ModelSource:
    return ModelSource(path=str(path), **more)


def strays(store: ModelStore) -> list[str]:
    """Files of the store that are neither whole models nor its own bookkeeping."""
    named = {model.blob for model in store.all()}
    files = (p for p in store.root.rglob("*") if p.is_file() and p not in named)
    return sorted(str(p.relative_to(store.root)) for p in files if p.parent.name != "locks" and p.name != "index.json")


def test_a_file_is_held_under_its_hash_and_costs_no_second_copy(store: ModelStore, model: Path) -> None:
    assert store.held(of(model)) is None
    held = store.add(of(model))
    assert held.blob == store.root / "blobs" / f"sha256-{sha(model)}"
    assert (held.key, held.bytes, held.facts.model.architecture) == (f"path:{model}", model.stat().st_size, "llama")
    assert sha(held.blob) == held.sha256 == sha(model)
    assert held == store.held(of(model)) == store.held(f"path:{model}") == store.all()[0]
    assert held.blob.stat().st_nlink == 2 or not held.blob.samefile(model)
    assert strays(store) == []
    assert store.root.stat().st_mode & 0o077 == 0


def test_relative_paths_count_from_the_swarm_file(store: ModelStore, model: Path) -> None:
    held = store.add(ModelSource(path="m.gguf"), model.parent)
    assert held.key == f"path:{model}"
    assert store.held(ModelSource(path="m.gguf"), model.parent) == held
    with pytest.raises(HostError, match="relative"):
        store.add(ModelSource(path="m.gguf"))


def test_progress_is_told_to_the_last_byte(store: ModelStore, model: Path) -> None:
    told: list[tuple[int, int | None]] = []
    store.add(of(model), progress=lambda *at: told.append(at))
    assert told[-1] == (model.stat().st_size, model.stat().st_size)


@pytest.mark.parametrize("link", [True, False], ids=["link", "copy"])
def test_linking_and_copying_give_the_same(
    link: bool, store: ModelStore, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not link:
        monkeypatch.setattr(localfile, "_clone", lambda *_: False)
        monkeypatch.setattr(localfile, "_link", lambda *_: False)
    held = store.add(of(model))
    assert sha(held.blob) == sha(model)
    assert link or held.blob.stat().st_nlink == 1


def test_the_same_content_is_held_once(store: ModelStore, model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(model.read_bytes())
    one, two = store.add(of(model)), store.add(of(copy))
    assert one.blob == two.blob
    assert len(list((store.root / "blobs").iterdir())) == 1
    assert [m.key for m in store.all()] == sorted([one.key, two.key])


def test_a_changed_file_is_another_model(store: ModelStore, model: Path) -> None:
    before = store.add(of(model))
    was = store.fingerprint(of(model))
    model.unlink()
    write_model(model, Shape(layers=3))
    assert store.held(of(model)) is None
    assert store.fingerprint(of(model)) not in {was, ""}
    after = store.add(of(model))
    assert len(after.facts.model.layers) == 3
    assert after.blob != before.blob


def test_a_blob_that_was_changed_in_place_is_not_served(store: ModelStore, model: Path) -> None:
    held = store.add(of(model))
    with held.blob.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"12345")
    os.utime(held.blob, ns=(0, held.mtime_ns + 10**9))
    assert store.held(held.key) is None
    assert store.all() == []
    other = model.with_name("good.gguf")
    write_model(other, Shape())
    again = store.add(of(other))
    assert sha(again.blob) == again.sha256


def test_a_vanished_file_stays_held_and_keeps_its_fingerprint(store: ModelStore, model: Path) -> None:
    held = store.add(of(model))
    print_ = store.fingerprint(of(model))
    assert print_ == f"sha256:{held.sha256}"
    model.unlink()
    assert store.held(of(model)) == held
    assert store.fingerprint(of(model)) == print_
    held.blob.unlink()
    with pytest.raises(SpecError, match="there is no file"):
        store.fingerprint(of(model))


def test_a_fingerprint_hashes_a_file_once(store: ModelStore, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = store.fingerprint(of(model))
    monkeypatch.setattr("swarmctl.effects.store.sha256", lambda *_: pytest.fail("read again"))
    assert store.fingerprint(of(model)) == first


def test_fingerprints_of_what_is_not_here() -> None:
    store = ModelStore(Path("/nonexistent/store"))
    pinned = ModelSource(package="a==1", file="m.gguf")
    assert store.fingerprint(pinned) == "package:a==1#m.gguf"
    assert store.fingerprint(pinned.model_copy(update={"sha256": "0" * 64})).endswith("#sha256:" + "0" * 64)
    assert store.held(pinned) is None
    assert store.all() == store.prune(set(), dry=False) == []


def test_the_wrong_file_is_refused_and_its_space_given_back(store: ModelStore, model: Path) -> None:
    with pytest.raises(SpecError, match="is not the file that was promised"):
        store.add(of(model, sha256="0" * 64))
    assert store.all() == []
    assert strays(store) == []
    good = store.add(of(model, sha256=sha(model)))
    assert store.held(of(model, sha256=sha(model))) == good
    assert store.held(of(model, sha256="0" * 64)) is None


def test_no_model_is_refused_before_anything_is_copied(store: ModelStore, model: Path) -> None:
    os.truncate(model, model.stat().st_size - 9)
    with pytest.raises(SpecError, match="truncated"):
        store.add(of(model))
    with pytest.raises(SpecError, match="No such file"):
        store.add(of(model.with_name("absent")))
    assert strays(store) == []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path) -> Hub:
    with Hub() as it:
        it.files["/o/n/resolve/main/m.gguf"] = model.read_bytes()
        monkeypatch.setenv("HF_ENDPOINT", it.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield it


REMOTE = ModelSource(hf="o/n", file="m.gguf")


def test_a_hub_model_is_fetched_once(store: ModelStore, hub: Hub, model: Path) -> None:
    held = store.add(REMOTE)
    assert store.add(REMOTE) == held
    assert len(hub.seen) == 1
    assert held.sha256 == sha(model)
    assert strays(store) == []


def test_content_known_by_its_sha256_needs_no_network(store: ModelStore, hub: Hub, model: Path) -> None:
    store.add(of(model))
    held = store.add(REMOTE.model_copy(update={"sha256": sha(model)}))
    assert held.key == REMOTE.key
    assert hub.seen == []


def test_a_hub_file_with_the_wrong_sha256_gives_its_space_back(store: ModelStore, hub: Hub) -> None:
    with pytest.raises(SpecError, match="is not the file that was promised"):
        store.add(REMOTE.model_copy(update={"sha256": "0" * 64}))
    assert store.all() == []
    assert strays(store) == []


def test_a_hub_file_that_is_no_model_gives_its_space_back(store: ModelStore, hub: Hub) -> None:
    hub.files["/o/n/resolve/main/m.gguf"] = b"<html>please log in</html>"
    with pytest.raises(SpecError, match=r"^hf:o/n@main#m\.gguf: is no GGUF file: it looks like an HTML"):
        store.add(REMOTE)
    assert strays(store) == []


ADD = """
import os, signal, sys
from pathlib import Path
from swarmctl.core.spec import ModelSource
from swarmctl.effects.store import ModelStore
def progress(done, total):
    if done >= int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
ModelStore(Path(sys.argv[1])).add(ModelSource(hf="o/n", file="m.gguf"), progress=progress)
"""


def adding(root: Path, kill_at: int = 1 << 60) -> subprocess.Popen[bytes]:
    """Another process that adds the hub's model, and dies when it has got so far."""
    return subprocess.Popen([sys.executable, "-c", ADD, str(root), str(kill_at)])


@pytest.mark.slow
def test_killed_at_any_point_nothing_half_has_a_final_name(store: ModelStore, hub: Hub) -> None:
    data = hub.files["/o/n/resolve/main/m.gguf"]
    for kill_at in (1, len(data) // 3, len(data)):
        assert adding(store.root, kill_at).wait(20) == -signal.SIGKILL
        assert store.all() == []
        assert list((store.root / "blobs").glob("*")) == []
    assert store.add(REMOTE).bytes == len(data)
    assert any("range" in request for request in hub.seen)


@pytest.mark.slow
def test_two_who_want_the_same_fetch_it_once(store: ModelStore, hub: Hub) -> None:
    assert [child.wait(20) for child in [adding(store.root) for _ in range(3)]] == [0, 0, 0]
    assert len(hub.seen) == 1


def test_prune_keeps_what_is_used_and_what_it_shares(store: ModelStore, model: Path, tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.gguf", tmp_path / "other.gguf"
    copy.write_bytes(model.read_bytes())
    write_model(other, Shape(layers=3))
    a, b, c = (store.add(of(path)) for path in (model, copy, other))
    (store.root / "blobs" / "sha256-orphan").write_text("left by a crash")
    (store.root / "incoming" / "x").mkdir(parents=True, exist_ok=True)
    assert store.prune({a.key}, dry=True) == [c]
    assert len(store.all()) == 3
    assert store.prune({a.key}, dry=False) == [c]
    assert store.all() == sorted([a, b], key=lambda m: m.key), "another name of it costs nothing"
    assert strays(store) == []
    assert not c.blob.exists()
    assert other.exists()


def test_prune_waits_for_nobody(store: ModelStore, model: Path) -> None:
    store.add(of(model))
    with store._index.lock("store", shared=True), pytest.raises(LockedError):
        store.prune(set(), dry=False)
    assert len(store.all()) == 1


def test_a_full_disk_is_said_before_and_while_writing(
    store: ModelStore, model: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = localfile.shutil.disk_usage(model.parent)
    monkeypatch.setattr(localfile.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(HostError, match="has 0 MiB free, 1 MiB are needed"):
        store.add(REMOTE)
    assert [s for s in strays(store) if s.endswith("part")] == []


def test_enospc_becomes_a_sentence(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which only Linux has")
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - closed below
    with full, pytest.raises(HostError, match="disk is full"), localfile.disk(tmp_path, 0):
        full.write(b"x")


def test_a_broken_index_loses_names_not_models(store: ModelStore, model: Path) -> None:
    held = store.add(of(model))
    (store.root / "index.json").write_text("{")
    assert store.held(held.key) is None
    assert store.add(of(model)).blob == held.blob
    raw = json.loads((store.root / "index.json").read_text())
    raw["models"][held.key].pop("added")
    (store.root / "index.json").write_text(json.dumps(raw))
    assert store.all() == []
    assert store.add(of(model)).facts == held.facts


def test_facts_of_an_older_index_are_read_anew_from_the_file(store: ModelStore, model: Path) -> None:
    held = store.add(of(model))
    raw = json.loads((store.root / "index.json").read_text())
    raw["schema"] = "swarmctl/store/v1"
    raw["models"][held.key]["facts"] = {"architecture": "llama", "block_count": 3}
    (store.root / "index.json").write_text(json.dumps(raw))
    assert store.all() == [held]
    held.blob.unlink()
    assert store.all() == []
