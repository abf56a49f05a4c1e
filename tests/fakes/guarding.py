"""The guard's program as a module, with clocks, a machine and a market that a test sets."""

import importlib.util
import os
import sys
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "playbooks" / "roles" / "guard" / "files" / "guard"


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
        place = self.folder / GUARD.ACTIVITY
        self.marks += 1
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        os.utime(place, ns=(self.marks, self.marks))

    def leave_results(self, there: bool = True) -> None:
        """Results that nobody has fetched, or no more."""
        path = self.folder / GUARD.UNFETCHED
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
            if self.round()[0] == action:
                return passed
            self.hands.go(every)
        raise AssertionError(f"never {action}")
