"""This machine as containers' swarms see it: its processes by parent and memory."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from swarmctl.core.processtable import resident
from swarmctl.effects.connections.local import LocalConnection

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")


def test_processes_are_there_with_their_parents_and_memory(tmp_path: Path) -> None:
    code = "import sys; held = b'x' * (64 << 20); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        seen = LocalConnection(str(tmp_path), str(tmp_path)).processes()
        rss = psutil.Process(child.pid).memory_info().rss / 1024
        assert child.stdin is not None
        child.stdin.close()
    parent, kib = seen[child.pid]
    assert parent == os.getpid()
    assert kib == pytest.approx(rss, rel=0.02)
    assert resident(seen, os.getpid()) >= (kib + seen[os.getpid()][1]) / 1024
