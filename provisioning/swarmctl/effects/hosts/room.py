"""A folder for one run of Ansible: inventory, variables and settings, for the owner only, gone when it ends."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from swarmctl.effects.clock import Clock

_KEPT = ("HOME", "LOGNAME", "SSH_AUTH_SOCK", "TERM", "TZ", "USER")
"""Of the user's environment; nothing that would change what Ansible does is among them."""
_LONGEST_SOCKET = 60
"""Characters that leave room for what OpenSSH appends, within the 104 that every system takes."""

_SETTINGS = """\
[defaults]
home = {folder}/home
local_tmp = {folder}/tmp
collections_path = {folder}/collections
roles_path = {playbooks}/roles
host_key_checking = True
retry_files_enabled = False
deprecation_warnings = False
localhost_warning = False
nocows = True
forks = 10
timeout = 20
gathering = explicit
[ssh_connection]
pipelining = True
control_path_dir = {folder}/c
ssh_args = -C -o ControlMaster=auto -o ControlPersist=60s
retries = 2
"""


@contextmanager
def room(playbooks: Path, texts: Mapping[str, str]) -> Iterator[Path]:
    """The folder, with `ansible.cfg` and the given files (mode 0600) in it, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="swarmctl-", dir=_short(), ignore_cleanup_errors=True) as made:
        folder = Path(made)
        for name in ("c", "home", "tmp", "collections"):
            (folder / name).mkdir(mode=0o700)
        settings = _SETTINGS.format(folder=folder, playbooks=playbooks)
        for name, text in {"ansible.cfg": settings, **texts}.items():
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        yield folder


def environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What Ansible is run with: none of the user's own ANSIBLE_ variables and files, and our programs first."""
    kept = {name: environ[name] for name in _KEPT if environ.get(name)}
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    ours = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_HOST_KEY_CHECKING": "True"}
    return {**kept, **ours, "PATH": path, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def program(environ: Mapping[str, str]) -> str | None:
    """Where `ansible-playbook` is, beside our Python or on the path; None where it is not."""
    return shutil.which("ansible-playbook", path=environ["PATH"])


def sweep(folder: Path, clock: Clock) -> None:
    """Ends every process that works for this folder: it stands in the command line of Ansible and of each SSH.

    Ansible's workers have sessions of their own, and a shared connection outlives its run: no group holds them all.
    """
    for sign in (signal.SIGTERM, signal.SIGKILL):
        left = _at_work(folder)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, sign)
        until = clock.monotonic() + 3
        while left and clock.monotonic() < until:
            clock.sleep(0.02)
            left = _at_work(folder)
        if not left:
            return


def _at_work(folder: Path) -> list[int]:
    import psutil  # noqa: PLC0415 - 25 ms

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            mine = process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
            if mine and process.pid != os.getpid() and any(f"{folder}/" in word for word in process.cmdline()):
                found.append(process.pid)
    return found


def _short() -> str:
    """A folder of the user's or of all, whose name leaves room for sockets."""
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mode 0700
        if (
            place
            and len(place) <= _LONGEST_SOCKET - len("/swarmctl-xxxxxxxx/c/0123456789")
            and os.access(place, os.W_OK)
        ):
            return place
    return "/tmp"  # noqa: S108 - as above
