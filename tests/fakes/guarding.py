"""The guard's program as a module, with clocks, a machine and a market that a test sets.

Run as a program, it writes what `core/leasing/limits.py` decides into the guard anew.
"""

import importlib.util
import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from swarmctl.effects.hosts.guarding import PROGRAM as PROGRAM_THERE
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "playbooks" / "roles" / "guard" / "files" / "guard"
LIMITS = ROOT / "provisioning" / "swarmctl" / "core" / "leasing" / "limits.py"
BEGIN, END = "# --- core/leasing/limits.py\n", "# ---\n"


def deciding() -> str:
    """What of the pure module the guard carries: all below its imports."""
    return LIMITS.read_text().split("import dataclass\n", 1)[1].lstrip("\n")


def with_deciding(program: str) -> str:
    """The guard with that in its place, and nothing else changed."""
    head, rest = program.split(BEGIN, 1)
    return head + BEGIN + deciding() + END + rest.split(END, 1)[1]


def load() -> ModuleType:
    """The program as it travels to hosts."""
    loader = SourceFileLoader("guard_program", str(PROGRAM))
    spec = importlib.util.spec_from_loader("guard_program", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


GUARD: Any = load()
DATA = "var/lib/swarmctl/swarms/seven/data/coder"
ENDS = {"end": ("stop", "destroy")}


@dataclass
class Hands:
    """A host's clocks: they go on together, and each can be set."""

    wall_now: int = 5_000
    boot_now: int = 100
    id: str = "boot-1"

    def wall(self) -> int:
        """Seconds since 1970, as this host believes."""
        return self.wall_now

    def boot(self) -> int:
        """Seconds since it started."""
        return self.boot_now

    def boot_id(self) -> str:
        """Of this start."""
        return self.id

    def go(self, seconds: int) -> None:
        """Time passes."""
        self.wall_now += seconds
        self.boot_now += seconds

    def reboot(self, seconds: int = 20) -> None:
        """A restart that takes some seconds."""
        self.wall_now += seconds
        self.boot_now, self.id = 5, self.id + "+"


@dataclass
class Counter:
    """A market that says what it is told to, and remembers what it was asked, and by whom."""

    answers: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def __call__(self, config: dict[str, Any], key: str) -> "Counter":
        """Stands for the class that makes one."""
        self.keys.append(key)
        return self

    def end(self, how: str) -> str:
        """What the market says to it; nothing is success."""
        self.asked.append(how)
        return self.answers.pop(0) if self.answers else ""


class Host:
    """A guarded machine in a folder, whose containers are a word in a list."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        """Writes settings and key, and arms at 1,000,000 on the market's clock."""
        self.machine: Any = GUARD.Machine(folder)
        self.folder, self.hands, self.market, self.done = folder, Hands(), Counter(), list[str]()
        self.machine.counters = lambda: self.line
        self.line = [0, 0]
        self.machine.stop_work = lambda: self.done.append("stopped")
        self.machine.save = lambda seconds: self.done.append(f"saved within {seconds}")
        self.settings = {
            "url": "http://127.0.0.1:1", "instance": "7", "key_file": "/etc/swarmctl/guard.key",
            "since": 1_000_000, "deadline": 1_028_800, "idle": 1800, "price": 1_000_000, "budget": 100_000_000,
            "grace": 900, "reserve": 60, "at_end": "save-then-destroy", **settings,
        }  # fmt: skip
        self.machine.write("etc/swarmctl/guard.key", "scoped-key\n")
        self.configure()
        self.arm(1_000_000)
        self.full, self.marks = False, 0
        self.machine.write = self._write

    def _write(self, name: str, text: str) -> None:
        """As the machine does, but for the disk's own time."""
        if self.full:
            raise OSError(28, "No space left on device")
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def configure(self, **settings: Any) -> None:
        """Writes the settings, some of them new."""
        self.settings |= settings
        self.machine.write(GUARD.CONFIG, GUARD.json.dumps(self.settings))

    def arm(self, at: int) -> None:
        """Takes them up."""
        GUARD.arm(self.machine, self.hands, at)

    def use(self) -> None:
        """An engine has had a request."""
        place = self.folder / DATA / "activity"
        self.marks += 1
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        os.utime(place, ns=(self.marks, self.marks))

    def leave_results(self, there: bool = True) -> None:
        """Results that nobody has fetched, or no more."""
        path = self.folder / DATA / "results-unfetched"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if there else path.unlink()

    def round(self) -> tuple[str, str]:
        """One round."""
        found: tuple[str, str] = GUARD.round_(self.machine, self.hands, self.market)
        return found

    def until(self, action: str, *, every: int = 15, most: int = 40_000, using: int = 0) -> int:
        """Seconds until a round decides this; using: a request comes every so many seconds."""
        for passed in range(0, most, every):
            if using and passed % using < every:
                self.use()
            if self.round()[0] in ENDS.get(action, (action,)):
                return passed
            self.hands.go(every)
        raise AssertionError(f"never {action}")


@dataclass
class Way:
    """A way to a host's guard, as SSH is one. lost: the connection breaks at the call of this word, before or after."""

    host: Host
    lost: str = ""
    after: bool = False
    asked: list[list[str]] = field(default_factory=list)

    def run(self, argv: list[str], *, stdin: bytes | None = None, **_: Any) -> Completed:
        """As a Line does it, with the real program."""
        self.asked.append(argv)
        if self.lost in argv and not self.after:
            raise HostError("slot-0: the connection broke")
        done = self._guard(argv[1:], stdin) if argv[0] == PROGRAM_THERE else self._file()
        if self.lost in argv:
            raise HostError("slot-0: the connection broke")
        return done

    def _file(self) -> Completed:
        text = self.host.machine.read(GUARD.CONFIG)
        return Completed("", "", 9) if text is None else Completed(text, "", 0)

    def _guard(self, words: list[str], stdin: bytes | None) -> Completed:
        out, err, before = io.StringIO(), io.StringIO(), sys.stdin
        sys.stdin = io.StringIO((stdin or b"").decode())
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = GUARD.main(words, self.host.machine, self.host.hands)
        finally:
            sys.stdin = before
        return Completed(out.getvalue(), err.getvalue(), code)


if __name__ == "__main__":
    PROGRAM.write_text(with_deciding(PROGRAM.read_text()))
