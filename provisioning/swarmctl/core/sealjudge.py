"""All rows of the seal, in the order of the hardening list: which judge looks at which containers."""

from collections.abc import Callable, Sequence

from swarmctl.core import sealkept, sealrights, sealroads
from swarmctl.core.seal import Finding, Row, row
from swarmctl.core.sealsight import Around, Seen

Judge = Callable[[Seen, Around], Finding]
ALL, OURS, READ = "every container", "those with Python", "one agent of each image"

LATER = {
    1: "only the gateway publishes",
    2: "agents reach the gateway alone",
    3: "engines on a network of their own",
    11: "a key for each role",
    12: "an allow-list of upstream paths",
    14: "the privacy gate fails closed",
    15: "what an untrusted host may read",
    16: "an audit log, hash-chained",
}
"""Rows of the list that come with the gateway."""

_ROWS: tuple[tuple[int | None, str, str, Judge], ...] = (
    (4, "root is read-only", ALL, sealrights.root),
    (5, "no capabilities", ALL, sealrights.capabilities),
    (6, "no privilege can be gained", ALL, sealrights.gain),
    (7, "nobody is root", ALL, sealrights.user),
    (8, "limits are in force", ALL, sealrights.limits),
    (9, "nothing of the host is mounted", ALL, sealrights.mounts),
    (10, "secrets are files", ALL, sealkept.secret_files),
    (13, "wheels by hash", READ, sealkept.wheels),
    (13, "images by digest", ALL, sealkept.digests),
    (None, "no way out by DNS", ALL, sealroads.dns),
    (None, "no way out by HTTP", OURS, sealroads.http),
    (None, "no way out by TCP, UDP, ICMP", ALL, sealroads.world),
    (None, "no raw sockets", OURS, sealrights.raw_sockets),
    (None, "no socket to the machine beneath", OURS, sealrights.machine_socket),
    (None, "no metadata address", ALL, sealroads.metadata),
    (None, "no Docker socket", ALL, sealrights.docker_socket),
    (None, "other swarms are closed", ALL, sealroads.others),
    (None, "the host's services are closed", ALL, sealroads.host),
    (None, "no secret in docker inspect", ALL, sealkept.in_inspect),
    (None, "no secret in /proc", OURS, sealkept.in_proc),
    (None, "no secret in logs", ALL, sealkept.in_log),
    (None, "no secret in image layers", ALL, sealkept.in_layers),
)


def judge(seen: Sequence[Seen], around: Around) -> tuple[Row, ...]:
    """Every row; those of the gateway in their places."""
    rows = [
        row(number, name, [_look(look, one, around) for one in seen if _meant(one, whom)])
        for number, name, whom, look in _ROWS
    ]
    rows += [Row(number, name, "not yet", "comes with the gateway") for number, name in LATER.items()]
    return tuple(sorted(rows, key=lambda one: (one.number is None, one.number or 0)))


def _meant(seen: Seen, whom: str) -> bool:
    return {ALL: True, OURS: seen.kind != "engine", READ: seen.packages}[whom]


def _look(judge: Judge, seen: Seen, around: Around) -> Finding:
    try:
        return judge(seen, around)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as e:
        return Finding(seen.service, "unknown", f"what it says cannot be read: {type(e).__name__}: {e}"[:200])
