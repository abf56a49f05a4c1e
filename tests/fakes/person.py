"""A person at a terminal: a home of their own, a repository, and the real command line."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from swarmctl.core.labels import home_of

SWARM = "demo"


@dataclass(frozen=True)
class Person:
    """Types swarmctl commands in a folder, with state and models in folders of their own."""

    home: Path
    env: dict[str, str]
    data: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *args: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        process = subprocess.Popen(
            [sys.executable, "-m", "swarmctl", *args],
            cwd=cwd or self.home, env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(process)
        return process

    def types(
        self, *args: str, cwd: Path | None = None, expect: int = 0, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its exit code is part of the story."""
        process = self.start(*args, cwd=cwd)
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == expect, f"swarmctl {' '.join(args)}: exit {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def reads(self, *args: str, cwd: Path | None = None, expect: int = 0, timeout: float = 300) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.types(*args, "--json", cwd=cwd, expect=expect, timeout=timeout).stdout)

    def pids(self) -> dict[str, int]:
        """Service → pid of what runs, the supervisor among them."""
        status = self.reads("status", "--swarm", SWARM)
        found = {s["name"]: s["pid"] for s in status["services"] if s["pid"]}
        return found | ({"supervisor": status["supervisor"]} if status["supervisor"] else {})

    def ours(self) -> list[str]:
        """Command lines of every process that carries a label of this person's swarms, looked for without swarmctl."""
        swarms = Path(self.env["XDG_STATE_HOME"]) / "swarmctl" / "swarms"
        homes = [f"swarmctl.home={home_of(str(swarms / name))}" for name in (SWARM, "mine")]
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if any(home in line for home in homes):
                found.append(line)
        return found

    def sleeps(self) -> None:
        """The lid is closed: what keeps the ways to other machines is gone, until the next command."""
        mark = self.env["XDG_STATE_HOME"]
        for keeper in ("swarmctl.supervisor", "ssh -N "):
            for process in psutil.process_iter():
                with suppress(psutil.Error):
                    line = " ".join(process.cmdline())
                    if mark in line and keeper in line:
                        process.kill()
                        process.wait(10)

    def left(self) -> list[str]:
        """Files under the state folder, without the ledger and the transcripts."""
        root = Path(self.env["XDG_STATE_HOME"]) / "swarmctl"
        kept = ("ledger.sqlite", "transcripts")
        files = (p.relative_to(root) for p in root.rglob("*") if not p.is_dir())
        return sorted(str(p) for p in files if not p.parts[0].startswith(kept))


def git(folder: Path, *args: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True).stdout
