"""A model's file reaches a server on this machine by its folder, and only whole."""

import hashlib
import os
from pathlib import Path

import pytest

from swarmctl.effects.engines.ollamastore import copied
from swarmctl.errors import SwarmctlError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two pieces and a bit."""
    path = tmp_path / "model.gguf"
    path.write_bytes(os.urandom((17 << 20) + 3))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A server's folder as it is before the server has written anything."""
    (tmp_path / "ollama").mkdir()
    return tmp_path / "ollama"


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_copy_lies_under_its_contents_name(file: Path, store: Path) -> None:
    told: list[tuple[int, int]] = []
    size, digest = file.stat().st_size, _digest(file)
    assert copied(store, digest, file, lambda done, total: told.append((done, total)))
    (blob,) = (store / "blobs").iterdir()
    assert blob.name == f"sha256-{digest}"
    assert blob.read_bytes() == file.read_bytes()
    assert blob.stat().st_mode & 0o777 == 0o644
    assert (blob.stat().st_nlink, blob.stat().st_uid) == (1, store.stat().st_uid)
    assert told == [(8 << 20, size), (16 << 20, size), (size, size)]


def test_copy_belongs_to_whom_the_folder_belongs_to(file: Path, store: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(store, 10001, 10002)
    assert copied(store, _digest(file), file, lambda _done, _total: None)
    for path in (store / "blobs", *(store / "blobs").iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (10001, 10002)


def test_file_that_is_not_what_it_says_leaves_nothing(file: Path, store: Path) -> None:
    assert not copied(store, "0" * 64, file, lambda _done, _total: None)
    assert list((store / "blobs").iterdir()) == []


@pytest.mark.parametrize("missing", ["store", "file"])
def test_nothing_to_copy_from_or_to(file: Path, store: Path, missing: str) -> None:
    digest = _digest(file)
    if missing == "file":
        file.unlink()
    else:
        store.rmdir()
    assert not copied(store, digest, file, lambda _done, _total: None)


def test_breaking_off_leaves_nothing(file: Path, store: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise SwarmctlError("not wanted any more")

    with pytest.raises(SwarmctlError, match="not wanted"):
        copied(store, _digest(file), file, stop)
    assert list((store / "blobs").iterdir()) == []
