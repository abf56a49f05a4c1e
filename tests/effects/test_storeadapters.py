"""Pruning a store takes adapters and heads that nobody uses, and keeps every name of a content that somebody does."""

from pathlib import Path

from fakes.ggufs import Shape, write_model
from swarmctl.effects import files
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.store import ModelStore
from swarmctl.effects.storeadapters import adapter_file, sweep


def _note(root: Path, key: str, digest: str, *, accepted: bool = True) -> Path:
    path = root / "adapters" / f"{key}.json"
    files.write_json(path, {"judged": {"accepted": accepted, "sha256": digest}})
    return path


def test_adapters_of_no_kept_content_go_and_refusals_stay(tmp_path: Path) -> None:
    used, unused = "a" * 64, "b" * 64
    for digest in (used, unused):
        adapter_file(tmp_path, digest).parent.mkdir(exist_ok=True)
        adapter_file(tmp_path, digest).write_bytes(b"GGUF")
    notes = _note(tmp_path, "1", used), _note(tmp_path, "2", unused), _note(tmp_path, "3", "", accepted=False)
    (tmp_path / "heads" / "x").mkdir(parents=True)
    sweep(tmp_path, ["path:/m#Q8_0+head"], [tmp_path / "blobs" / f"sha256-{used}"])
    assert [adapter_file(tmp_path, digest).exists() for digest in (used, unused)] == [True, False]
    assert [note.exists() for note in notes] == [True, False, True]
    assert (tmp_path / "heads").exists()
    sweep(tmp_path, ["path:/m#Q8_0"], [])
    assert not (tmp_path / "heads").exists()
    sweep(tmp_path / "nothing", [], [])


def test_a_kept_content_keeps_the_names_by_which_it_is_not_made_again(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    (tmp_path / "models" / "incoming").mkdir(parents=True)
    for name, shape in (("used", Shape()), ("unused", Shape(layers=3))):
        file = write_model(tmp_path / "models" / "incoming" / f"{name}.gguf", shape)
        store.take(f"path:/m/{name}#Q8_0", file, sha256(file, lambda _done, _total: None))
    store.alias("path:/m/used#Q8_0", "path:served")
    gone = store.prune({"path:served"}, dry=False)
    assert [one.key for one in gone] == ["path:/m/unused#Q8_0"]
    assert {one.key for one in store.all()} == {"path:/m/used#Q8_0", "path:served"}
