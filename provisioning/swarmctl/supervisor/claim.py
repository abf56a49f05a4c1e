"""Being the only supervisor of a swarm: the lock, the socket, and what to do about another one."""

import fcntl
import json
import os
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

from swarmctl.core.labels import SUPERVISOR
from swarmctl.core.program import SupervisorConfig
from swarmctl.supervisor.journal import log
from swarmctl.supervisor.survivors import Survivor, alive, born, kill

_BEGINNING = 5.0
"""Seconds that a supervisor may take until it listens."""


class Refused(Exception):  # noqa: N818 - reads as the fact it states
    """This supervisor must not run; the message says why."""


def lock(logs: Path) -> int:
    """Hold the swarm: a lock on its log folder, which ends with this process. Gives the descriptor.

    Raises Refused when another supervisor holds it.
    """
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(logs, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Refused(f"another supervisor holds {logs}") from None
    return handle


def listen(path: Path) -> socket.socket:
    """The control socket, mode 0600. Raises Refused: somebody answers there, or the folder is open."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = path.parent.stat()
    if facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise Refused(f"the control socket's folder is open to others: chmod 700 {path.parent}")
    if answers(path):
        raise Refused(f"another supervisor listens on {path}")
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise Refused(f"{path} is in the way: it is no socket")
    path.unlink(missing_ok=True)
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.bind(str(path))
        path.chmod(0o600)
        line.listen(64)
        line.setblocking(False)
    except OSError as e:
        line.close()
        raise Refused(f"no socket can be made at {path}: {e}") from e
    return line


def answers(path: Path) -> bool:
    """Somebody listens on this socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def replace_others(config: SupervisorConfig, found: list[Survivor]) -> None:
    """See to supervisors of the same swarm that were there before us. One that can be reached, or has only
    just begun, keeps it: Refused. One that nobody can reach any more (its socket is gone) is killed, and
    its programs are left to be adopted.
    """
    mine = (born(os.getpid()), os.getpid())
    for other in found:
        if not other.leads or other.service != SUPERVISOR or (other.create_time, other.pid) > mine:
            continue
        place = _socket_of(other)
        if (place is not None and answers(place)) or mine[0] - other.create_time < _BEGINNING:
            raise Refused(f"pid {other.pid} supervises {config.swarm} already")
        log(f"pid {other.pid} supervises {config.swarm} and cannot be reached: killed")
        kill(other)
        until = time.monotonic() + _BEGINNING
        while alive(other.pid, other.create_time) and time.monotonic() < until:
            time.sleep(0.01)


def _socket_of(other: Survivor) -> Path | None:
    """The socket that another supervisor's own configuration names, if that can still be read."""
    words = list(other.command)
    with suppress(OSError, ValueError, IndexError, KeyError, TypeError):
        file = words[words.index("swarmctl.supervisor") + 1]
        return Path(json.loads(Path(file).read_text(encoding="utf-8"))["socket"])
    return None
