"""A listener on all addresses of this host, for the moment: what a service that somebody forgot to close would be."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from swarmctl.errors import HostError


@dataclass(frozen=True, slots=True)
class Listening:
    """port: of TCP and UDP both. heard: addresses of those who reached it so far."""

    port: int
    heard: set[str] = field(default_factory=set)


def addresses() -> list[str]:
    """Of this host's interfaces, without loopback and those that need an interface named."""
    import psutil  # noqa: PLC0415 - 25 ms

    found = [one for rows in psutil.net_if_addrs().values() for one in rows if one.family in _FAMILIES]
    wanted = (one.address for one in found if not one.address.startswith(("127.", "fe80:")) and one.address != "::1")
    return sorted(set(wanted))


_FAMILIES = (socket.AF_INET, socket.AF_INET6)


@contextmanager
def listening() -> Iterator[Listening]:
    """Open until the block ends. Raises HostError when no port is free."""
    sockets = _open()
    found = Listening(sockets[0].getsockname()[1])
    stop = threading.Event()
    thread = threading.Thread(target=_hear, args=(sockets, found, stop), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(2)
        for one in sockets:
            one.close()


def _open() -> list[socket.socket]:
    """TCP and UDP on one port, IPv4 through IPv6 where the host has that."""
    for _ in range(8):
        made = list[socket.socket]()
        try:
            made.append(_bound(socket.SOCK_STREAM, 0))
            made.append(_bound(socket.SOCK_DGRAM, made[0].getsockname()[1]))
        except OSError:
            for one in made:
                one.close()
            continue
        made[0].listen(64)
        return made
    raise HostError("no port of this host is free for both TCP and UDP", hint="ss -ltnu")


def _bound(kind: socket.SocketKind, port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    one = socket.socket(socket.AF_INET6 if both else socket.AF_INET, kind)
    try:
        if both:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.setblocking(False)
        one.bind(("::" if both else "0.0.0.0", port))  # noqa: S104 - all addresses is what is tried
    except OSError:
        one.close()
        raise
    return one


def _hear(sockets: list[socket.socket], found: Listening, stop: threading.Event) -> None:
    while not stop.is_set():
        ready, _, _ = select.select(sockets, (), (), 0.1)
        for one in ready:
            with suppress(OSError):
                found.heard.add(_who(one).removeprefix("::ffff:"))


def _who(one: socket.socket) -> str:
    if one.type is socket.SOCK_DGRAM:
        return str(one.recvfrom(2048)[1][0])
    caller, who = one.accept()
    caller.close()
    return str(who[0])
