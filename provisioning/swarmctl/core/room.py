"""Judges the room that is left: a container's memory under its limit, the host's memory, and disk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from swarmctl.core.hints import logs
from swarmctl.core.machine import Machine
from swarmctl.core.proof import Proof, outcome

if TYPE_CHECKING:
    from swarmctl.core.insideview import Disk, Inside

SHARE = 0.05
"""Of a limit, of the host's memory and of a disk that must be free."""
LEAST_DISK = 256.0
"""MiB under which a disk counts as full whatever its size: one log and one clone."""
_ONE = 1
"""Kills for memory that heal themselves: they are counted and shown."""


def container_room(name: str, swarm: str, planned: float | None, seen: "Inside | None") -> Proof:
    """Memory of one container: a limit no lower than planned (MiB), room under it, nothing killed again and again."""
    least = f"{planned:.0f} MiB or more, " if planned else ""
    promised = f"{least}{SHARE:.0%} of its limit free"
    mend = logs(swarm, name)
    if seen is None or seen.used is None:
        reason = "its memory group cannot be looked at"
        return Proof("memory under its limit", name, promised, "not seen", reason, "unknown", mend)
    limit = f"of {seen.limit:.0f} MiB" if seen.limit else "without a limit"
    killed = f", {seen.kills} killed for memory" if seen.kills else ""
    as_planned = planned is None or (seen.limit is None or seen.limit >= planned - 1)
    room = seen.limit is None or seen.used <= (1 - SHARE) * seen.limit
    return Proof(
        "memory under its limit",
        name,
        promised,
        f"{seen.used:.0f} {limit}{killed}",
        "memory group of the container, file cache left out",
        outcome(as_planned and room and seen.kills <= _ONE),
        mend if as_planned else f"swarmctl up --swarm {swarm}",
    )


def host_room(swarm: str, seen: "Inside | None") -> Proof:
    """Memory that the host could still give, in MiB."""
    name, promised = "host memory headroom", f"{SHARE:.0%} of it available"
    if seen is None or not seen.total or seen.available is None:
        return Proof(name, swarm, promised, "not seen", "/proc/meminfo cannot be read", "unknown")
    measured = f"{seen.available:.0f} of {seen.total:.0f} MiB available"
    holds = seen.available >= SHARE * seen.total
    return Proof(name, swarm, promised, measured, "MemAvailable of /proc/meminfo", outcome(holds), "swarmctl plan")


def full_disk(machine: Machine) -> tuple[str, ...]:
    """A sentence where a machine's disk has no room left for what a swarm writes; a size that nobody knows is none."""
    if not 0 <= machine.disk_free < LEAST_DISK:
        return ()
    return (f"{machine.name}: its disk is full, {machine.disk_free} MiB are free: make room there, then `swarmctl up`",)


def disk_room(subject: str, disks: "Sequence[Disk]") -> Proof:
    """Free disk where models and logs go."""
    name, promised = "disk headroom", f"{SHARE:.0%} and {LEAST_DISK:.0f} MiB free"
    if not disks:
        return Proof(name, subject, promised, "not seen", "df shows none of its folders", "unknown")
    full = [disk for disk in disks if disk.free < max(LEAST_DISK, SHARE * disk.size)]
    rows = "; ".join(f"{disk.free:.0f} of {disk.size:.0f} MiB free at {disk.path}" for disk in full or disks)
    return Proof(name, subject, promised, rows, "df", outcome(not full), "swarmctl models prune")
