"""Runs inside a container by `python3 -c`: tries every wall from there and prints `what, target, result`, one a line.

It has more than 300 lines because it is sent as text, in one piece, and imports the standard library alone; what to try
comes as JSON in its first argument.
"""

import base64
import contextlib
import ctypes
import errno
import hashlib
import json
import os
import random
import re
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

PATIENCE = 1.5
"""Seconds until silence counts as silence."""
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock")
TEMPORARY = "/tmp"  # noqa: S108 - the container's own
PLACES = ("/", "/etc", "/usr/local", "/opt", "/opt/agent", "/home", "/root", "/var/tmp", "/run", "/run/secrets")  # noqa: S108
SETUID = ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp")
FILES = ("pids.max", "memory.max", "memory.swap.max")
OLD_FILES = ("pids/pids.max", "memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes")
UNLISTED = ("INSTALLER", "REQUESTED", "direct_url.json")
SHORTEST = 16
"""Letters of a secret that is looked for."""
SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|(?:^|_)KEYS?$")
Lines = Iterator[tuple[str, str, object]]


def said(error: BaseException) -> str:
    """The name of a system error, `timeout`, or the error's kind."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timeout"
    number = getattr(error, "errno", None)
    return errno.errorcode.get(number, str(number)) if number else type(error).__name__


def tried(what: Callable[[], object]) -> str:
    """What came of it: `done`, or the system's word for why not."""
    try:
        what()
    except OSError as e:
        return said(e)
    return "done"


def read(path: str) -> str:
    """A small file of the kernel; the error's name where it cannot be read."""
    try:
        return Path(path).read_bytes().decode("utf-8", "replace").strip()
    except OSError as e:
        return said(e)


def pids() -> list[str]:
    """Of every process that is seen from here."""
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def rights(_asked: dict[str, Any]) -> Lines:
    """Who this is and what it may, for this process and all others here."""
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    for line in read("/proc/self/status").splitlines():
        name, _, value = line.partition(":")
        if name in wanted:
            yield "status", name, " ".join(value.split())
    for pid in pids():
        found = dict(line.partition(":")[::2] for line in read(f"/proc/{pid}/status").splitlines())
        if "Uid" in found:
            yield "process", f"{pid} {found['Name'].strip()}", " ".join(found["Uid"].split())


def files(_asked: dict[str, Any]) -> Lines:
    """Mounts, what can be written, who may own, limits."""
    for line in read("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        words = left.split()
        yield "mount", words[4], f"{right.split()[0]} {words[5]} {words[3]}"
        if stat.S_ISSOCK(mode(words[4])):
            yield "unix", words[4], reach(words[4])
    for path in SOCKETS:
        if stat.S_ISSOCK(mode(path)):
            yield "unix", path, reach(path)
    for place in (*PLACES, TEMPORARY):
        yield "write", place, tried(partial(touch, place))
    mine = Path(TEMPORARY) / f".seal-{os.getpid()}"
    with contextlib.suppress(OSError):
        mine.write_text("", encoding="ascii")
        yield "chown", f"{TEMPORARY} to 10002", tried(lambda: os.chown(mine, 10002, -1))
        mine.unlink()
    for name in (*FILES, *OLD_FILES):
        path = f"/sys/fs/cgroup/{name}"
        if Path(path).exists():
            yield "file", path, read(path)


def mode(path: str) -> int:
    """Of a file, 0 where there is none."""
    try:
        return Path(path).stat().st_mode
    except OSError:
        return 0


def touch(place: str) -> None:
    """Make a file and take it away."""
    path = Path(place) / f".seal-{os.getpid()}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    path.unlink()


def reach(path: str) -> str:
    """Connect to a Unix socket."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE)
        return tried(lambda: s.connect(path))


def gains(_asked: dict[str, Any]) -> Lines:
    """What a setuid program and a namespace of its own would give."""
    program = next((path for path in SETUID if mode(path) & stat.S_ISUID), None)
    if program is None:
        yield "setuid", "any", "no such program here"
    else:
        yield "setuid", program, became(program)
    yield "unshare", "user namespace", alone(lambda: ctypes.CDLL(None, use_errno=True).unshare(0x10000000))


def became(program: str) -> str:
    """The user that a setuid program runs as; it hears nothing and is ended at once."""
    hear, say = os.pipe()
    nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
    try:
        # Once this returns the program has been executed, and a process that has ended keeps its user until waited for.
        pid = os.posix_spawn(program, [program], {}, file_actions=[(os.POSIX_SPAWN_DUP2, hear, 0), *nothing])
        found = dict(line.partition(":")[::2] for line in read(f"/proc/{pid}/status").splitlines())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except OSError as e:
        return said(e)
    finally:
        os.close(hear)
        os.close(say)
    return " ".join(found.get("Uid", "").split())


def alone(call: Callable[[], int]) -> str:
    """A system call in a process of its own: `done`, or the error's name."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if call() == 0 else ctypes.get_errno() or 255)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "done" if code == 0 else errno.errorcode.get(code, str(code))


def sockets(_asked: dict[str, Any]) -> Lines:
    """Sockets that see or write what is not theirs."""
    kinds = {
        "raw ICMP": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        "raw TCP": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
        "raw ICMPv6": (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
        "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
        "vsock": (40, socket.SOCK_STREAM, 0),
    }
    for name, kind in kinds.items():
        yield "socket", name, tried(partial(opened, *kind))


def opened(*kind: int) -> None:
    """A socket of a kind, for a moment."""
    socket.socket(*kind).close()


def roads(_asked: dict[str, Any]) -> Lines:
    """Routes, resolvers, and proxies that programs would use."""
    for line in read("/proc/net/route").splitlines()[1:]:
        words = line.split()
        yield "route", f"{words[1]}/{words[7]}", f"{words[0]} via {words[2]}"
    for line in read("/proc/net/ipv6_route").splitlines():
        words = line.split()
        if len(words) == 10 and words[9] != "lo":
            yield "route6", f"{words[0]}/{words[1]}", f"{words[9]} via {words[4]}"
    for n, line in enumerate(read("/etc/resolv.conf").splitlines()):
        if line.startswith("nameserver") or "ExtServers" in line:
            yield "resolver", str(n), line
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy") and value and name.lower() != "no_proxy":
            yield "proxy", name, "set"


def connections(asked: dict[str, Any]) -> Lines:
    """TCP to all at once, and a datagram to each."""
    began: dict[int, tuple[str, socket.socket]] = {}
    waiting = select.poll()
    for host, port in asked["tcp"]:
        name, s = shown(host, port), socket.socket(family(host), socket.SOCK_STREAM)
        s.setblocking(False)
        code = started(s, host, port)
        if code in {errno.EINPROGRESS, errno.EALREADY}:
            began[s.fileno()] = (name, s)
            waiting.register(s, select.POLLOUT)
        else:
            s.close()
            yield "tcp", name, came_of(code)
    yield from ended(began, waiting)
    for host, port in asked["udp"]:
        yield "udp", shown(host, port), tried(partial(datagram, host, port, asked["nonce"]))


def came_of(code: int) -> str:
    """A system's number as a word."""
    return "reached" if code == 0 else errno.errorcode.get(code, str(code))


def started(s: socket.socket, host: str, port: int) -> int:
    """Begin to connect; the system's number for how it went."""
    try:
        return s.connect_ex((host, port))
    except OSError as e:
        return e.errno or errno.EINVAL


def ended(began: dict[int, tuple[str, socket.socket]], waiting: Any) -> Lines:
    """What became of connections that were begun; what is silent to the end is `timeout`."""
    until = time.monotonic() + PATIENCE
    while began and (left := until - time.monotonic()) > 0:
        for number, _ in waiting.poll(left * 1000):
            name, s = began.pop(number)
            code = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            waiting.unregister(number)
            s.close()
            yield "tcp", name, came_of(code)
    for name, s in began.values():
        s.close()
        yield "tcp", name, "timeout"


def family(host: str) -> socket.AddressFamily:
    """Of an address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def shown(host: str, port: int) -> str:
    """`1.1.1.1:443`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def datagram(host: str, port: int, text: str) -> None:
    """One, and nobody waits for an answer."""
    with socket.socket(family(host), socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), (host, port))


def echoed(host: str) -> str:
    """An echo request by the socket that needs no right."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as s:
            s.settimeout(PATIENCE)
            s.sendto(struct.pack("!BBHHH", 8, 0, 0xF7FF, 0, 0), (host, 0))
            s.recv(256)
            return "reached"
    except OSError as e:
        return said(e)


def questions(asked: dict[str, Any]) -> Lines:
    """A name that nobody has asked for before, at every resolver; pages as programs get them; an echo request."""
    lines = [line.split() for line in read("/etc/resolv.conf").splitlines()]
    own = [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]
    todo: list[tuple[str, str, Callable[[], str]]] = [("icmp", host, partial(echoed, host)) for host in asked["echo"]]
    for server in (*own, *asked["resolvers"]):
        todo += [("dns", f"{name} at {server}", partial(answered, server, name)) for name in asked["names"]]
    todo += [("http", url, partial(fetched, url)) for url in asked["urls"]]
    # Each in a thread: to look a name up takes what time it likes.
    found = {(kind, target): "timeout" for kind, target, _ in todo}

    def one(kind: str, target: str, ask: Callable[[], str]) -> None:
        found[kind, target] = ask()

    threads = [threading.Thread(target=one, args=item, daemon=True) for item in todo]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 2 * PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    for (kind, target), outcome in list(found.items()):
        yield kind, target, outcome


def answered(server: str, name: str) -> str:
    """`NOERROR` and the like, or why there was no answer."""
    number = random.randrange(65536)  # noqa: S311 - to know the answer by
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    try:
        with socket.socket(family(server), socket.SOCK_DGRAM) as s:
            s.settimeout(PATIENCE)
            s.connect((server, 53))
            s.send(struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1))
            code = s.recv(4096)[3] & 15
    except (OSError, IndexError) as e:
        return said(e)
    return {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(code, f"rcode {code}")


def fetched(url: str) -> str:
    """What a program gets that heeds proxies."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as got:  # noqa: S310 - the addresses are ours
            return f"reached: {got.status}"
    except urllib.error.HTTPError as e:
        return f"reached: {e.code}"
    except (OSError, ValueError) as e:
        cause = getattr(e, "reason", e)
        return "no such name" if isinstance(cause, socket.gaierror) else said(cause)


def secrets(_asked: dict[str, Any]) -> Lines:
    """Secrets of this container as files, and whether any process shows one."""
    values: dict[str, bytes] = {}
    folder = Path("/run/secrets")
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        about = path.stat()
        yield "secret", path.name, f"{stat.S_IMODE(about.st_mode):04o} uid {about.st_uid}"
        with contextlib.suppress(OSError):
            values |= {
                f"{path.name}.{n}": line for n, line in enumerate(path.read_bytes().split()) if len(line) >= SHORTEST
            }
    shows = [f"/proc/{pid}/{kind}" for pid in pids() for kind in ("environ", "cmdline")]
    for shown_by in (*shows, *(str(path) for path in Path("/etc/swarmctl").rglob("*") if path.is_file())):
        try:
            text = Path(shown_by).read_bytes()
        except OSError:
            continue
        yield "searched", shown_by, len(text)
        for name in {name.rpartition(".")[0] for name, value in values.items() if value in text}:
            yield "leak", shown_by, name
        if shown_by.endswith("environ"):
            for name in named(text):
                yield "leak", shown_by, f"variable {name}"


def named(environment: bytes) -> list[str]:
    """Variables with a value whose name says that it is a secret."""
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in environment.split(b"\0"))
    return [name for name, _, value in pairs if value and SECRET.search(name)]


def wheels(asked: dict[str, Any]) -> Lines:
    """Packages and their versions, and every file that is not as its wheel's own record says."""
    if not asked["packages"]:
        return
    root, known = Path(asked["packages"]), set()
    for about in sorted(root.glob("*.dist-info")):
        name, _, version = about.name.removesuffix(".dist-info").rpartition("-")
        yield "wheel", re.sub(r"[-_.]+", "-", name).lower(), version
        known.add(str((about / "RECORD").relative_to(root)))
        for line in read(str(about / "RECORD")).splitlines():
            path, _, rest = line.rpartition(",")[0].rpartition(",")
            path = path.strip('"')
            known.add(path)
            if rest and not same(root / path, rest):
                yield "changed", path, "not as its wheel has it"
    for place in root.rglob("*"):
        own = str(place.relative_to(root))
        ours = own in known or own.startswith("swarmctl/") or "__pycache__" in own or place.name in UNLISTED
        if place.is_file() and not ours:
            yield "stray", own, "of no wheel"


def same(path: Path, recorded: str) -> bool:
    """The file has the hash that its wheel wrote down; one that the image left out is no fault."""
    kind, _, digest = recorded.partition("=")
    if not path.is_file():
        return True
    found = hashlib.new(kind, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == digest


def forks(asked: dict[str, Any]) -> Lines:
    """Threads until the system says no, for as long as it takes to count them; not where anything else is at work."""
    if not asked["forks"]:
        return
    others = [pid for pid in pids() if int(pid) not in {os.getpid(), 1}]
    if len(others) > 2:
        yield "forks", "tried", f"not tried: {len(others)} processes are at work"
        return
    hold, begun, count = threading.Event(), [], ""
    threading.stack_size(64 * 1024)
    try:
        for _ in range(asked["forks"]):
            thread = threading.Thread(target=hold.wait, daemon=True)
            thread.start()
            begun.append(thread)
        outcome = "never refused"
    except RuntimeError as e:
        outcome = f"refused: {e}"
    count = next((read(p) for p in ("/sys/fs/cgroup/pids.current", "/sys/fs/cgroup/pids/pids.current") if mode(p)), "?")
    hold.set()
    for thread in begun:
        thread.join()
    yield "forks", "tried", f"{outcome} after {len(begun)}, with {count} in the container"


PARTS = (rights, files, gains, sockets, roads, connections, questions, secrets, wheels, forks)


def main(words: list[str]) -> None:
    """Everything in turn; `end` says that nothing was left out."""
    asked = json.loads(words[0])
    for part in PARTS:
        try:
            for line in part(asked):
                sys.stdout.write("\t".join(" ".join(str(word).split()) for word in line) + "\n")
        except Exception as e:  # noqa: BLE001 - one part that fails must not hide the others
            sys.stdout.write(f"broken\t{part.__name__}\t{type(e).__name__}: {e}\n".replace("\n", " ") + "\n")
    sys.stdout.write("end\t\t\n")


if __name__ == "__main__":
    main(sys.argv[1:])
