"""What a build leaves when it is killed is gone with the next one."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from swarmctl.effects import building


def test_folders_of_builds_that_were_killed_go_and_those_at_work_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed, works, other = (tmp_path / name for name in ("swarmctl-build-a", "swarmctl-build-b", "somebodys"))
    for folder in (killed, works, other):
        folder.mkdir()
        (folder / "context.tar").write_bytes(b"x")
    for folder in (killed, other):
        os.utime(folder, (time.time() - 86_400,) * 2)
    building.forget()
    assert sorted(tmp_path.iterdir()) == sorted([works, other])
