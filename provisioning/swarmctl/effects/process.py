"""Processes of this machine: starting them, finding ours by label, ending them for certain."""

import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from swarmctl.core.labels import SERVICE, SUPERVISOR, VARIABLE, belongs, carried
from swarmctl.effects.clock import SystemClock
from swarmctl.errors import HostError

if TYPE_CHECKING:
    import psutil

LAST_LINES = 12
_GLANCE = 0.5
_SAME = 1.5
"""Seconds by which two readings of one process's start may differ: the boot time they count from drifts."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A process that ended; what was no UTF-8 in its output is replaced."""

    stdout: str
    stderr: str
    code: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """A process that carries our labels; create_time in seconds since the epoch."""

    pid: int
    create_time: float
    labels: dict[str, str]
    cmdline: tuple[str, ...]


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    input: str | None = None,  # noqa: A002 - subprocess's own word
    check: bool = True,
) -> Completed:
    """Run to the end. `env` is the whole environment; this process's own if left out. timeout: seconds.

    Raises HostError, with the command to paste and its last lines, when it cannot start, when the time is
    up (its whole process group is killed), and, with `check`, when it ends with anything but 0.
    """
    source = subprocess.DEVNULL if input is None else subprocess.PIPE
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
    except OSError as e:
        raise HostError(f"{argv[0]} cannot be started: {e.strerror}", detail=_shown(argv)) from e
    try:
        out, err = process.communicate(None if input is None else input.encode(), timeout)
    except subprocess.TimeoutExpired:
        out, err = _abandon(process)
        message = f"{argv[0]} did not end within {timeout:g} s"
        raise HostError(message, detail=_shown(argv, out, err)) from None
    except BaseException:
        _abandon(process)
        raise
    done = Completed(out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), process.returncode)
    if check and done.code != 0:
        raise HostError(f"{argv[0]} ended with {_ended(done.code)}", detail=_shown(argv, out, err))
    return done


def follow(
    argv: Sequence[str], tell: Callable[[str], None], *, env: Mapping[str, str], source: Path | None, timeout: float
) -> Completed:
    """Run to the end and tell each line of both outputs as it comes; stdout has the last 200 of them, stderr nothing.

    source: file that is its stdin, none if None. timeout: seconds, after which its whole process group is killed
    (code -9). Raises HostError when it cannot start; whatever interrupts this kills the group too.
    """
    with source.open("rb") if source else nullcontext(subprocess.DEVNULL) as given:
        try:
            process = subprocess.Popen(
                argv, env=env, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as e:
            raise HostError(f"{argv[0]} cannot be started: {e.strerror}", detail=_shown(argv)) from e
    last: deque[str] = deque(maxlen=200)
    watch = threading.Timer(timeout, _kill, (process.pid,))
    watch.daemon = True
    watch.start()
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace").rstrip()
            last.append(line)
            tell(line)
        code = process.wait()
    except BaseException:
        _abandon(process)
        raise
    finally:
        watch.cancel()
        process.stdout.close()
    return Completed("\n".join(last), "", code)


Conversation = subprocess.Popen[bytes]
"""A process that is spoken with; its pipes are there."""


def converse(argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> Conversation:
    """Start a process that is spoken with over stdin and stdout; what it says besides goes to `log`.

    It is a group of its own, which `hang_up` ends. Raises HostError when it cannot be started.
    """
    try:
        with log.open("wb") as said:
            return subprocess.Popen(
                argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, start_new_session=True
            )
    except OSError as e:
        raise HostError(f"{argv[0]} cannot be started: {e.strerror}", detail=_shown(argv)) from e


def beside(argv: Sequence[str], *, env: Mapping[str, str]) -> Conversation:
    """Start a process that is listened to, both outputs each by its own pipe, in a session of its own.

    Raises HostError when it cannot be started.
    """
    try:
        return subprocess.Popen(
            argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
    except OSError as e:
        raise HostError(f"{argv[0]} cannot be started: {e.strerror}", detail=_shown(argv)) from e


def outlasted(process: Conversation) -> int:
    """Its exit code, when it ends. A Ctrl-C that comes just as a wait without end begins would not be seen in it."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_GLANCE)


def hang_up(process: Conversation, grace: float) -> int:
    """Close its stdin, which tells it to end; after `grace` seconds its group is killed. Gives its exit code."""
    with suppress(OSError):
        if process.stdin:
            process.stdin.close()
    try:
        return process.wait(grace)
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        return process.wait()


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _abandon(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Kill the whole group and take what it had written."""
    _kill(process.pid)
    process.kill()
    try:
        return process.communicate(timeout=2)
    except subprocess.TimeoutExpired:  # a process in a session of its own still holds the pipe
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
        return b"", b""


def _ended(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"signal {-code}"


def _shown(argv: Sequence[str], out: bytes = b"", err: bytes = b"") -> str:
    text = (err.strip() or out.strip()).decode("utf-8", "replace")
    return "\n".join([f"$ {shlex.join(argv)}", *text.splitlines()[-LAST_LINES:]])


def spawn_daemon(argv: Sequence[str], log: Path) -> int:
    """Start a process that outlives this one and its terminal; gives its pid.

    A session of its own, stdin from /dev/null, output appended to `log` (mode 0600, its folder exists),
    and none of our labels in its environment. Raises HostError when it cannot be started.
    """
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.posix_spawnp(
            argv[0],
            list(argv),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE],
        )
    except OSError as e:
        raise HostError(f"{argv[0]} cannot be started: {e.strerror}", detail=_shown(argv)) from e


def labelled(swarm: str | None, home: str = "", *, helpers: bool = False) -> list[Labelled]:
    """This user's processes that carry the labels of one swarm (None: of any) and state folder, oldest first.

    Found by command line, title or environment (see core/labels.py for what counts). Never this process
    and its ancestors. Left out, unless `helpers`, are processes that our programs started for their own
    work. A process that cannot be read is not ours.
    """
    import psutil  # noqa: PLC0415 - 25 ms that a plain status does without

    self_ = psutil.Process()
    skip = {self_.pid, *(parent.pid for parent in self_.parents())}
    found = (_look(process, helpers) for process in psutil.process_iter() if process.pid not in skip)
    mine = (item for item in found if item is not None and belongs(item.labels, swarm, home))
    return sorted(mine, key=lambda item: item.create_time)


def _look(process: "psutil.Process", helpers: bool) -> Labelled | None:
    import psutil  # noqa: PLC0415

    try:
        with process.oneshot():
            if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
                return None
            line = tuple(word for word in process.cmdline() if word)
            tags = carried(line, process.environ())
            if tags is None:
                return None
            heir = not tags.by_title and os.getsid(process.pid) != process.pid
            if (tags.helper or heir) and not helpers:
                return None
            return Labelled(process.pid, process.create_time(), tags.labels, line)
    except (psutil.Error, OSError):
        return None


def alive(found: Labelled) -> bool:
    """It still runs: the same process, not a later one of its number, and no zombie."""
    import psutil  # noqa: PLC0415

    with suppress(ChildProcessError, PermissionError):
        os.waitpid(found.pid, os.WNOHANG)  # a daemon that this very process started leaves a zombie behind
    try:
        process = psutil.Process(found.pid)
        same = abs(process.create_time() - found.create_time) < _SAME
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end(found: Sequence[Labelled], grace: float) -> list[Labelled]:
    """End processes: SIGTERM, up to `grace` seconds, SIGKILL, and look again. Gives what is still alive.

    Supervisors come first, so that they do not start again what is ended here.
    """
    clock = SystemClock()
    ordered = sorted(found, key=lambda item: item.labels.get(SERVICE) != SUPERVISOR)
    left = ordered
    for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        left = [item for item in left if alive(item)]
        for item in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(item.pid, sign)
        until = clock.monotonic() + seconds
        while (left := [item for item in left if alive(item)]) and clock.monotonic() < until:
            clock.sleep(0.02)
    return left
