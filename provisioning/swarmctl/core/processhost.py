"""A host without Docker, as one look says that it is, and what it lacks for a swarm of processes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LEAST = (3, 11)
"""The oldest Python that swarmctl runs on."""
GIT = (2, 38)
"""The first whose merge-tree writes a tree, which the orchestrator uses."""
NEWEST = (3, 14)
"""The newest that the lock has wheels for."""
_BASE = "/var/lib/swarmctl"
_MACHINES = frozenset({"x86_64", "aarch64"})


@dataclass(frozen=True, slots=True)
class ProcessHost:
    """pythons: paths by version, of those that can make an environment. git: its version. root: the user is.

    may: the user becomes root without a password, or is. apt: there is an apt-get. pip: the Python has one.
    threads: the library that engines' threads need is there.
    """

    machine: str
    home: str
    root: bool = False
    may: bool = False
    apt: bool = False
    pip: bool = False
    threads: bool = False
    git: tuple[int, ...] = ()
    pythons: Mapping[tuple[int, int], str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The folder under which all that we bring lies."""
        return _BASE if self.root else f"{self.home}/.local/state/swarmctl-host"

    @property
    def python(self) -> tuple[str, str] | None:
        """Version and path of the newest Python that will do."""
        fits = [version for version in self.pythons if LEAST <= version <= NEWEST]
        return None if not fits else (".".join(map(str, max(fits))), self.pythons[max(fits)])

    @property
    def installs(self) -> bool:
        """Packages of its distribution can be installed."""
        return self.apt and self.may

    def lacks(self) -> tuple[str, ...]:
        """What must be there and is not, as a person says it; empty where nothing is missing."""
        wanted = {
            f"Python {LEAST[0]}.{LEAST[1]} to {NEWEST[0]}.{NEWEST[1]}": self.python is None,
            f"git {GIT[0]}.{GIT[1]}": self.git < GIT,
            "libgomp": not self.threads,
        }
        return tuple(name for name, missing in wanted.items() if missing)


def read_process_host(text: str) -> ProcessHost:
    """From what the look printed. Raises ValueError with a sentence where it is no machine of use."""
    rows = [line.split(" ", 1) for line in text.splitlines() if " " in line]
    said = dict(row for row in rows if row[0] != "python")
    if "end" not in said:
        raise ValueError("the look at it was cut off")
    if said.get("machine") not in _MACHINES:
        raise ValueError(f"it is a {said.get('machine', '')[:40]!r}, and wheels are there for x86-64 and ARM alone")
    home = said.get("home", "")
    if not re.fullmatch(r"/[A-Za-z0-9/_.-]{0,200}", home):
        raise ValueError("the user's home there is none that files could be brought to")
    return ProcessHost(
        machine=said["machine"],
        home=home.rstrip("/"),
        root=said.get("user") == "0",
        may=said.get("may") == "yes",
        apt=said.get("apt") == "yes",
        pip=said.get("pip") == "yes",
        threads=said.get("threads") == "yes",
        git=tuple(int(n) for n in re.findall(r"\d{1,6}", said.get("git", ""))[:2]),
        pythons=dict(filter(None, (_python(row[1]) for row in rows if row[0] == "python"))),
    )


def _python(row: str) -> tuple[tuple[int, int], str] | None:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3}) (/[A-Za-z0-9/_.-]{1,200})", row)
    return None if found is None else ((int(found[1]), int(found[2])), found[3])
