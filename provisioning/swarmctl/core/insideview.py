"""What a container shows of itself from within: processes, the engine's environment, memory, disk and card."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MARK = re.compile(r"^@(\w+) ?(.*)$", re.MULTILINE)
_BLOB = re.compile(r"sha256-([0-9a-f]{64})")
_UNLIMITED = 1 << 60
"""The first cgroups write no limit as a number near 2^63."""
_KIB = 1024.0


@dataclass(frozen=True, slots=True)
class Process:
    """One process. started: ticks since the machine's start, so that a number used again is told apart. MiB."""

    pid: int
    started: int
    argv: str
    resident: float

    @property
    def blob(self) -> str:
        """Digest of the weights that it serves; "" for none."""
        found = _BLOB.search(self.argv)
        return found[1] if found else ""

    @property
    def runner(self) -> str:
        """What stays the same as long as this very process runs."""
        return f"{self.pid}@{self.started}"


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system as `df` has it, in MiB. path: where it is mounted."""

    path: str
    size: float
    free: float


@dataclass(frozen=True, slots=True)
class Card:
    """What nvidia-smi says, in MiB. apps: memory of each compute process; empty where it names none."""

    name: str
    total: float
    used: float
    apps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Inside:
    """One look into a container. used, limit: MiB of its memory group, the file cache that can go not counted.

    limit, environment, cards: None where there is none, or it was not shown. kills: processes of this container that
    were ended for memory. total, available: MiB of the host.
    """

    processes: tuple[Process, ...] = ()
    environment: Mapping[str, str] | None = None
    used: float | None = None
    limit: float | None = None
    kills: int = 0
    disks: tuple[Disk, ...] = ()
    total: float | None = None
    available: float | None = None
    cards: tuple[Card, ...] | None = None

    @property
    def runners(self) -> Mapping[str, Process]:
        """Processes that serve weights, by the weights' digest."""
        return {process.blob: process for process in self.processes if process.blob}


def inside(text: str) -> Inside:
    """What the probe printed; what it did not print is not known, and nonsense is not either."""
    marks = list(_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    parts = [(mark[1], mark[2], text[mark.end() : end].strip("\n")) for mark, end in zip(marks, ends, strict=False)]
    processes = [_process(head, body.splitlines()) for name, head, body in parts if name == "process"]
    one = {name: body for name, _, body in parts if name != "process"}
    group, host = _numbers(one.get("cgroup", "")), _numbers(one.get("memory", ""))
    return Inside(
        tuple(process for process in processes if process),
        _environment(one["environ"]) if one.get("environ") else None,
        _used(group),
        _limit(group),
        int(group.get("memory.events oom_kill", group.get("memory.oom_control oom_kill", 0))),
        tuple(_disks(one.get("disk", "").splitlines())),
        host["MemTotal:"] / _KIB if "MemTotal:" in host else None,
        host["MemAvailable:"] / _KIB if "MemAvailable:" in host else None,
        _cards(one["gpu"].splitlines(), one.get("apps", "").splitlines()) if one.get("gpu") else None,
    )


def _process(pid: str, lines: Sequence[str]) -> Process | None:
    """`stat` with the name in brackets, the command line, and lines of `status`."""
    after = lines[0].rpartition(")")[2].split() if lines else []
    if len(after) < 20 or not pid.isdigit() or not after[19].isdigit():
        return None
    resident = _numbers("\n".join(lines[2:])).get("VmRSS:", 0.0) / _KIB
    return Process(int(pid), int(after[19]), lines[1].strip() if len(lines) > 1 else "", resident)


def _environment(text: str) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _numbers(text: str) -> dict[str, float]:
    """Lines that are a name and a number, whatever comes after."""
    found = {}
    for line in text.splitlines():
        if match := re.match(r"^(.+?)\s+(\d{1,20})(?: kB)?$", line.strip()):
            found[match[1]] = float(match[2])
    return found


def _used(group: Mapping[str, float]) -> float | None:
    """What the kernel could not give up at once."""
    whole = group.get("memory.current", group.get("memory.usage_in_bytes"))
    if whole is None:
        return None
    cache = group.get("memory.stat inactive_file", group.get("memory.stat total_inactive_file", 0.0))
    return max(0.0, whole - cache) / _KIB**2


def _limit(group: Mapping[str, float]) -> float | None:
    limit = group.get("memory.max", group.get("memory.limit_in_bytes", _UNLIMITED))
    return limit / _KIB**2 if limit < _UNLIMITED else None


def _disks(lines: Sequence[str]) -> list[Disk]:
    """`df -Pk`: file system, blocks, used, free, share, path."""
    found: dict[str, Disk] = {}
    for line in lines:
        match = re.match(r"^.+?\s+(\d+)\s+(\d+)\s+(-?\d+)\s+\S+\s+(/.*)$", line)
        if match:
            found[match[4]] = Disk(match[4], int(match[1]) / _KIB, int(match[3]) / _KIB)
    return list(found.values())


def _cards(lines: Sequence[str], apps: Sequence[str]) -> tuple[Card, ...]:
    """`name, total, used` a line, and `uuid, pid, used` of each process; a unit after a number is left out."""
    busy = tuple(size for line in apps if (size := _mib(line.split(",")[-1])) is not None)
    found = []
    for line in lines:
        parts = [part.strip() for part in line.split(",")]
        total, used = (_mib(part) for part in parts[-2:]) if len(parts) >= 3 else (None, None)
        if total is not None and used is not None:
            found.append(Card(parts[0], total, used, busy if len(lines) == 1 else ()))
    return tuple(found)


def _mib(text: str) -> float | None:
    match = re.match(r"^\s*(\d+(?:\.\d+)?)(?: MiB)?\s*$", text)
    return float(match[1]) if match else None
