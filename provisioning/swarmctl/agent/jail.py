"""The walls of the `namespaces` sandbox, laid by its first process with the stdlib alone."""

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MS_NOSUID, _MS_NODEV = 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_RDONLY = 1
_SYS_MOUNT_SETATTR = 442
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
_DEVICES = ("null", "zero", "full", "random", "urandom")


def main(text: str) -> int:
    """Lay the walls that the plan (JSON) asks for, run its argv inside, return its exit code."""
    plan = json.loads(text)
    _raise_walls(plan)
    _loopback_up()
    child = os.fork()
    if child == 0:
        _become_nobody(plan["uid"])
        os.chdir(plan["at"])
        os.execvpe(plan["argv"][0], plan["argv"], plan["env"])  # noqa: S606
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status) % 256


def _raise_walls(plan: dict[str, Any]) -> None:
    """The system read-only, folders hidden, the clone and the interpreter back, own /dev and /proc."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    work = os.open(plan["work"], os.O_PATH)
    shown = {path: os.open(path, os.O_PATH) for path in plan["show"]}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    _set_read_only("/", True)
    for folder in plan["hide"]:
        _tmpfs(folder, f"mode=0755,size={plan['size']}")
    _tmpfs("/tmp", f"mode=1777,size={plan['size']}")  # noqa: S108
    Path(plan["home"]).mkdir(mode=0o1777)
    Path(plan["home"]).chmod(0o1777)
    _bind(work, plan["at"])
    _set_read_only(plan["at"], False)
    for path, fd in shown.items():
        _bind(fd, path)
    _tmpfs("/dev", "mode=0755,size=64k")
    for name, fd in devices.items():
        Path(f"/dev/{name}").touch()
        _bind_at(fd, f"/dev/{name}")
    for name, goal in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        Path(f"/dev/{name}").symlink_to(goal)
    Path("/dev/shm").mkdir()  # noqa: S108 - our own tmpfs
    _tmpfs("/dev/shm", f"mode=1777,size={plan['size']}")  # noqa: S108
    for fd in (work, *shown.values(), *devices.values()):
        os.close(fd)
    _own_proc()


def _become_nobody(uid: int | None) -> None:
    """Give up every privilege for good; root becomes `uid`, whom limits bind."""
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def _own_proc() -> None:
    """A /proc that shows this sandbox alone; an empty one where the kernel allows none."""
    try:
        _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV)
    except OSError:
        _tmpfs("/proc", "mode=0555,size=4k")


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running


def _set_read_only(path: str, on: bool) -> None:
    attr = struct.pack("QQQQ", _RDONLY if on else 0, 0 if on else _RDONLY, 0, 0)
    flags = _AT_RECURSIVE if on else 0
    done = _LIBC.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, attr, len(attr))
    _check(done, f"mount_setattr {path}")


def _tmpfs(path: str, options: str) -> None:
    _mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def _bind(fd: int, path: str) -> None:
    Path(path).mkdir(parents=True, exist_ok=True)
    _bind_at(fd, path)


def _bind_at(fd: int, path: str) -> None:
    _mount(f"/proc/self/fd/{fd}", path, None, _MS_BIND | _MS_REC)


def _mount(source: str, goal: str, kind: str | None, flags: int, options: str = "") -> None:
    words = (source.encode(), goal.encode(), kind.encode() if kind else None)
    done = _LIBC.mount(*words, ctypes.c_ulong(flags), options.encode() or None)
    _check(done, f"mount {goal}")


def _check(done: int, what: str) -> None:
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
