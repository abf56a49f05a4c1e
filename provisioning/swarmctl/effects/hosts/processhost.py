"""A host without Docker made ready for a swarm of processes: packages, Python, swarmctl itself and what it imports."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swarmctl.core.processhost import ProcessHost, read_process_host
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.travelling import lock, own_wheel, wheelhouse
from swarmctl.errors import DeployError, HostError

Say = Callable[[str], None]
_LOOK = Path(__file__).with_name("processhost.sh")
_UNPACK = Path(__file__).with_name("unpack.py")
_SHORT, _APT, _LONG = 60.0, 900.0, 3600.0
_OLDER = ("python3.12", "python3.11")
"""Packages of a Python that a distribution has beside its own, which is too old."""
_INSTALL = """\
export DEBIAN_FRONTEND=noninteractive
wait="-o DPkg::Lock::Timeout=300"
apt-get $wait update -q && apt-get $wait install -y -q --no-install-recommends "$@"
"""
_ENVIRONMENT = """\
set -eu
umask 077
python=$1 code=$2 deps=$3
rm -rf "$code"
"$python" -m venv --without-pip "$code"
for site in "$code"/lib/python3.*/site-packages; do echo "$deps" > "$site/swarmctl-deps.pth"; echo "$site"; done
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where swarmctl is there. base: the folder of all that we bring. python: that runs it."""

    base: str
    python: str


def ready(line: Line, say: Say, *, cache: Path, guard: Callable[[], None] = lambda: None) -> Seat:
    """Make it so; what is there already is left alone. cache: folder here for packages that must be sent.

    guard: is called once the host has Python, before anything large comes. Raises HostError where the host lacks what
    cannot be installed, DeployError where an installation fails.
    """
    host = look(line)
    if host.lacks() or (host.installs and not host.pip):
        host = _installed(line, host, say)
    version, python = host.python or ("", "")
    guard()
    deps = _dependencies(line, host, version, python, say, cache)
    return Seat(host.base, _code(line, host, version, python, deps, say))


def look(line: Line) -> ProcessHost:
    """What is there. Raises HostError."""
    done = line.run(["sh", "-s"], stdin=_LOOK.read_bytes(), seconds=_SHORT)
    try:
        return read_process_host(done.stdout)
    except ValueError as e:
        raise HostError(f"{line.host.name}: {e}", detail=done.stderr[-500:]) from None


def seat_of(line: Line) -> Seat | None:
    """Where this very code is there; None where it must be brought first. Raises HostError."""
    host = look(line)
    if host.lacks() or host.python is None:
        return None
    code = _place(host, host.python[0])
    done = line.run(["test", "-e", f"{code}/whole"], seconds=_SHORT)
    return Seat(host.base, f"{code}/bin/python") if done.code == 0 else None


def _installed(line: Line, host: ProcessHost, say: Say) -> ProcessHost:
    """With what its distribution has of that."""
    missing = " and ".join(host.lacks())
    if not host.installs:
        why = "this user may not install packages there" if host.apt else "it has no apt-get"
        raise HostError(f"{line.host.name} has no {missing}, and {why}", hint="install them there, then: swarmctl up")
    say(f"{line.host.name} has no {missing or 'pip'}: installing")
    tries = [("python3", "python3-venv"), *((name, f"{name}-venv") for name in _OLDER)]
    said = ""
    for pythons in tries:
        wanted = [*(("python3-venv",) if host.python else pythons), "git", "libgomp1", "ca-certificates"]
        done = line.run(["sh", "-c", _INSTALL, "sh", *wanted], seconds=_APT, root=True)
        host, said = look(line), said or f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}".strip()
        if not host.lacks():
            return host
        if host.python:
            break
    raise DeployError(
        f"{line.host.name} has no {' and '.join(host.lacks())}, and its packages brought none", detail=said,
        hint="install them there, then: swarmctl up",
    )  # fmt: skip


def _dependencies(line: Line, host: ProcessHost, version: str, python: str, say: Say, cache: Path) -> str:
    """The folder of what swarmctl imports: from the host's own index, else sent."""
    mark = hashlib.sha256(lock() + f"{version} {host.machine}".encode()).hexdigest()[:12]
    deps = f"{host.base}/deps/{mark}"
    if line.run(["test", "-e", f"{deps}/whole"], seconds=_SHORT).code == 0:
        return deps
    line.run(["rm", "-rf", "--", deps], seconds=_SHORT, check=True)
    script = _UNPACK.read_bytes()
    if host.pip:
        say(f"installing swarmctl's packages on {line.host.name}, from the index that it has")
        place = f"{host.base}/incoming/requirements.txt"
        line.put({place: lock()}, folders=0o700)
        done = line.run([python, "-", "pip", deps, place], stdin=script, seconds=_LONG)
        if done.code == 0:
            return _whole(line, deps)
        say(f"{line.host.name} has no index of use ({_last(done.stderr)}): the packages are sent")
    files = wheelhouse(cache, version, host.machine, say)
    size = sum(file.stat().st_size for file in files) // 2**20
    say(f"sending {len(files)} packages, {size} MiB, to {line.host.name}")
    _bring(line, host, {f"{host.base}/incoming/{file.name}": file for file in files}, deps, python)
    return _whole(line, deps)


def _code(line: Line, host: ProcessHost, version: str, python: str, deps: str, say: Say) -> str:
    """This very code, in an environment of its own; gives its Python."""
    code = _place(host, version)
    if line.run(["test", "-e", f"{code}/whole"], seconds=_SHORT).code != 0:
        name, wheel = own_wheel()
        say(f"bringing swarmctl itself to {line.host.name}, {len(wheel) // 1024} KiB")
        made = line.run(["sh", "-c", _ENVIRONMENT, "sh", python, code, deps], seconds=_SHORT, check=True)
        _bring(line, host, {f"{host.base}/incoming/{name}": wheel}, made.stdout.split()[-1], python)
        _whole(line, code)
    return f"{code}/bin/python"


def _place(host: ProcessHost, version: str) -> str:
    mark = hashlib.sha256(own_wheel()[1] + lock() + version.encode()).hexdigest()[:12]
    return f"{host.base}/code/{mark}"


def _bring(line: Line, host: ProcessHost, files: dict[str, Path] | dict[str, bytes], into: str, python: str) -> None:
    line.put(dict(files), seconds=_LONG, folders=0o700)
    argv = [python, "-", "wheels", into, *files]
    done = line.run(argv, stdin=_UNPACK.read_bytes(), seconds=_LONG)
    line.run(["rm", "-rf", "--", f"{host.base}/incoming"], seconds=_SHORT)
    if done.code:
        raise DeployError(f"{line.host.name}: packages cannot be unpacked", detail=done.stderr[-1500:], hint="df -h")


def _whole(line: Line, folder: str) -> str:
    line.run(["touch", f"{folder}/whole"], seconds=_SHORT, check=True)
    return folder


def _last(text: str) -> str:
    lines = [one for one in text.splitlines() if one.strip()]
    return lines[-1].strip()[:120] if lines else "pip said nothing"
