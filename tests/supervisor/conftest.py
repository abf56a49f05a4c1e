"""A swarm of tiny programs, which must leave nothing behind."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> Iterator["Swarm"]:  # noqa: F821 - imported below, once the path is set
    """A swarm with a name of its own; afterwards none of its processes may be left."""
    from fakes.swarms import Swarm
    from swarmctl.effects.process import labelled

    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    folder = Path(tempfile.mkdtemp(prefix="swarm-"))
    swarm = Swarm(folder, f"t{uuid.uuid4().hex[:8]}")
    yield swarm
    left = swarm.runtime.stop(timeout=5)
    assert left == []
    assert labelled(swarm.name, helpers=True) == []
    assert not os.path.lexists(swarm.runtime.socket)
    shutil.rmtree(folder)
