"""A swarm of tiny programs, which must leave nothing behind."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.swarms import Swarm
from swarmctl.effects.process import labelled

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Swarm]:
    """A swarm with a name of its own; afterwards none of its processes may be left."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    folder = Path(tempfile.mkdtemp(prefix="swarm-"))
    swarm = Swarm(folder, f"t{uuid.uuid4().hex[:8]}")
    yield swarm
    left = swarm.runtime.stop(timeout=5)
    assert left == []
    assert labelled(swarm.name, helpers=True) == []
    assert not os.path.lexists(swarm.runtime.socket)
    shutil.rmtree(folder)
