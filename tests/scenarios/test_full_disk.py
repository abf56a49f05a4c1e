"""A disk that others have filled: `check` says so, `up` names it when a model does not fit, and both are well after."""

import os
from pathlib import Path

import pytest
import requests

from fakes.faults import SERVER, breakable, reported
from fakes.grounded import stands

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]
DISK = 640
"""MiB: both models, one of them three times while it is stored, and what must stay free."""


def test_a_full_disk(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    stands("engine", "models", "bookworm", "ollama")
    if os.geteuid() != 0:
        pytest.skip("a file system is mounted for it: that takes root")
    home, store = tmp_path / "person", tmp_path / "store"
    home.mkdir()
    with reported(request) as rows, breakable(home, store, "0.32.15", rows, disk=DISK) as swarm:
        filler = swarm.fill()
        swarm.red("disk full", "disk headroom", swarm.name, r"\d+ of 640 MiB free at /models")
        url = f"http://127.0.0.1:{swarm.port(SERVER)}/api/delete"
        requests.delete(url, json={"model": "docs"}, timeout=30).raise_for_status()
        with (swarm.served.parent / "more.bin").open("wb") as more:
            room = os.statvfs(swarm.served)
            os.posix_fallocate(more.fileno(), 0, room.f_bavail * room.f_frsize - (20 << 20))
        failed = swarm.up(expect=7)
        assert "no space left on device" in failed.stderr + failed.stdout
        for file in (filler, swarm.served.parent / "more.bin"):
            file.unlink()
        swarm.heals()
