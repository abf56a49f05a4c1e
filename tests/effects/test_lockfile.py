"""Where the lock is, and that it is written for people who commit it."""

from pathlib import Path

import pytest

from swarmctl import assets
from swarmctl.core.lock import Lock, Seen
from swarmctl.core.places import Places
from swarmctl.effects.lockfile import lock_file, read_lock, write_lock
from swarmctl.errors import SpecError

LOCK = Lock().merge([Seen("ollama/ollama:0.32.15", f"sha256:{'a' * 64}")])


def test_it_lies_beside_the_user_s_file_and_of_a_ready_made_swarm_in_its_state(tmp_path: Path) -> None:
    places = Places("demo", tmp_path / "state")
    assert lock_file(tmp_path / "swarm.yml", places) == tmp_path / "swarm.lock"
    assert lock_file(tmp_path / "other.yml", places) == tmp_path / "other.lock", "two files of a folder, two locks"
    ready = assets.root() / "inventory" / "swarms" / "demo.yml"
    assert lock_file(ready, places) == tmp_path / "state" / "swarm.lock"


def test_it_is_written_whole_and_not_touched_when_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "swarm.lock"
    assert read_lock(path) == Lock()
    write_lock(path, LOCK)
    assert read_lock(path) == LOCK
    before = path.stat()
    write_lock(path, LOCK)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [p.name for p in tmp_path.iterdir()] == ["swarm.lock"]


def test_a_lock_that_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "swarm.lock").mkdir()
    with pytest.raises(SpecError, match="cannot be read"):
        read_lock(tmp_path / "swarm.lock")
    with pytest.raises(SpecError, match="cannot be written"):
        write_lock(tmp_path / "swarm.lock", LOCK)
    (tmp_path / "huge.lock").write_bytes(b" " * 10**6)
    with pytest.raises(SpecError):
        read_lock(tmp_path / "huge.lock")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["huge.lock", "swarm.lock"]
