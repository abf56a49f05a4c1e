"""Seven agents forked from one parent start within seconds and share its memory."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from fakes.agents import free_port, send, settings, until
from fakes.openai_server import ScriptedEngine, Turn

ROLES = ("orchestrator", "frontend", "backend", "testing", "security", "docs", "devops")
MOST = 500
"""MB of all seven together, as the sum of their PSS."""

PARENT = """
import gc, os, sys
from swarmctl.agent.serve import main
gc.collect(); gc.freeze()
print("ready", flush=True)
sys.stdin.readline()
for path in sys.argv[1:]:
    pid = os.fork()
    if not pid:
        os._exit(main(path))
    print(pid, flush=True)
codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in sys.argv[1:]]
sys.exit(max(codes))
"""


def pss(pid: int) -> float:
    """Megabytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/agent-card.json"):
            return True
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="PSS is read from Linux's /proc")
def test_seven_agents_after_one_task_each(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("Hello!")) as engine:
        files = [settings(tmp_path / role, engine.url, role, port=free_port()) for role in ROLES]
        paths = [tmp_path / f"{file.role}.json" for file in files]
        for path, file in zip(paths, files, strict=True):
            path.write_text(file.model_dump_json())
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        began = time.monotonic()
        parent.stdin.write("go\n")
        parent.stdin.flush()
        pids = [int(parent.stdout.readline()) for _ in ROLES]
        try:
            until(lambda: all(answers(file.port) for file in files), 20)
            cards = time.monotonic() - began
            for file in files:
                task = send(f"http://127.0.0.1:{file.port}", {"text": "Hello?"})
                assert task["status"]["state"] == "TASK_STATE_COMPLETED"
            together = sum(pss(pid) for pid in pids)
            whole = together + pss(parent.pid)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
            assert parent.wait(20) == 0
            parent.stdin.close()
            parent.stdout.close()
    print(f"seven agents: {together:.0f} MB PSS, {whole:.0f} with their parent; cards after {cards:.2f} s")
    assert together <= MOST
    assert cards <= 3
