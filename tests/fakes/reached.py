"""Test hosts as swarmctl's own SSH reaches them, and listeners that are no SSH."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fakes import hosts
from fakes.playing import address
from swarmctl.core.hosts import NO_CONFIG, Host


def there(machine: hosts.Host, folder: Path, name: str = "slot-0") -> Host:
    """The machine, its host key pinned in the folder at the first contact, through its port on loopback."""
    known = str(folder / f"{name}.keys")
    return Host(name, "127.0.0.1", machine.port, key=str(machine.key), known_hosts=known, config=NO_CONFIG)


def outside(machine: hosts.Host, folder: Path, name: str = "slot-0") -> Host:
    """The machine at its own address, which it keeps when it boots again."""
    return replace(there(machine, folder, name), address=address(machine), port=22)


def nobody(folder: Path, port: int) -> Host:
    """A host at a loopback port."""
    return Host("slot-0", "127.0.0.1", port, known_hosts=str(folder / "keys"), config=NO_CONFIG)


@contextmanager
def passage(port: int) -> Iterator[int]:
    """Another loopback port that leads to this one until the block ends."""
    ends: list[socket.socket] = []

    def carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection(("127.0.0.1", port))
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for end in ends:
                end.close()


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A port that takes connections until the block ends: answers so and hangs up, or says nothing at all."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                if answer is None:
                    held.append(line)
                    continue
                line.sendall(answer)
                line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for line in held:
                line.close()


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Hurried:
    """A clock on which nobody waits: sleeping only moves it. each: is called after every sleep."""

    def __init__(self, each: Callable[[], object] = lambda: None) -> None:
        self.at, self._each = 0.0, each
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The start of the epoch, and what was slept since."""
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        """Seconds slept."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.at += seconds
        self.slept.append(seconds)
        self._each()
