"""One machine over OpenSSH itself: commands, files there, files back, over one shared connection."""

import os
import re
import shlex
import tarfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import IO

from swarmctl.core.hosts import Host, ssh_options
from swarmctl.core.stack import config_hash
from swarmctl.effects.hosts import sshsaid
from swarmctl.effects.hosts.hostkeys import must_be_pinned, port_words, strictness
from swarmctl.effects.hosts.shortplaces import socket_place
from swarmctl.effects.hosts.sshsaid import Trouble, without_noise
from swarmctl.effects.hosts.talk import MOST, Answer, Feed, Hear, Late, talk
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError, SpecError

_PERSIST = 600
_OWN = (
    *("-T", "-a", "-x"),
    *("-o", "ControlMaster=auto", "-o", f"ControlPersist={_PERSIST}"),
    *("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
    *("-o", "LogLevel=INFO", "-o", "RemoteCommand=none", "-o", "PermitLocalCommand=no"),
    *("-o", "ClearAllForwardings=yes"),
)
"""First in the line, so that neither the user's configuration nor anything after says otherwise."""
_UNPACK = """\
set -eu
token=$1 && umask "$2" && shift 2
clear() { for path; do rm -f -- "${path%/*}/.${path##*/}.$token"; done; }
trap 'clear "$@"' EXIT
tar -xpmof - -C /
for path; do
  if [ -d "$path" ]; then echo "$path is a folder" >&2; exit 1; fi
  mv -f -- "${path%/*}/.${path##*/}.$token" "$path"
done
"""
_FULL = re.compile(r"No space left on device|Wrote only \d+ of \d+ bytes|Disk quota exceeded")


class Line:
    """A machine that is reached by SSH. folder: private, of its shared connection's socket.

    The connection is made by the first call and shared by all that follow, in any process that names the same
    folder; it ends with `close`, or after ten idle minutes. Nothing is asked at a terminal.
    """

    def __init__(self, host: Host, folder: Path, *, patience: float = 10.0) -> None:
        """patience: seconds for a connection to be made. Raises SpecError for a host that cannot be used."""
        self.host, self._patience = host, patience
        self._options = ssh_options(host)
        self.socket = socket_place(folder, f"{config_hash({'words': [*self._options, *self._target()]})}.ssh")
        self._first = threading.Lock()
        self._strict: tuple[str, ...] | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        seconds: float,
        root: bool = False,
        check: bool = False,
    ) -> Completed:
        """Run a command there to its end. root: by `sudo -n` where the user is another.

        Nothing secret belongs in argv. Raises HostError when the machine cannot be reached, when the time is up (what
        runs there may go on), and, with `check`, when the command ends with anything but 0.
        """
        feed = None if stdin is None else _writes(stdin)
        done = self._ask(self.as_root(argv) if root else argv, feed, seconds)
        ended = Completed(done.out.decode("utf-8", "replace"), without_noise(done.said), done.code)
        if check and ended.code != 0:
            raise self._failed(argv, done)
        return ended

    def converse(self, argv: Sequence[str], *, feed: Feed, hear: Hear, seconds: float, root: bool = False) -> Completed:
        """The same, spoken with: `feed` writes its stdin, `hear` is given its stdout as it comes; raising ends it.

        What runs there ends when it writes to nobody. Raises HostError as `run` does.
        """
        done = self._ask(self.as_root(argv) if root else argv, feed, seconds, MOST, hear)
        return Completed(done.out.decode("utf-8", "replace"), without_noise(done.said), done.code)

    def command(self, argv: Sequence[str], *, root: bool = False) -> list[str]:
        """The command line that, run here with `environment()`, runs this there over the shared connection.

        Raises HostError when the machine cannot be reached.
        """
        self.run(["true"], seconds=30, check=True)
        return [*self._words(), *self._target(), shlex.join(self.as_root(argv) if root else argv)]

    def as_root(self, argv: Sequence[str]) -> Sequence[str]:
        """The command with what makes it root's."""
        return argv if self.host.user == "root" else ["sudo", "-n", "--", *argv]

    def put(
        self,
        files: Mapping[str, bytes | Path],
        *,
        mode: int = 0o600,
        modes: Mapping[str, int] | None = None,
        folders: int = 0o755,
        seconds: float = 300,
        root: bool = False,
    ) -> None:
        """Write files there, each complete under its absolute path or not at all; folders are made where they lack.

        modes: of single files, by path. folders: mode of the folders that are made. A file on this machine is read
        while it is sent. Raises SpecError for a path that is none, HostError as `run` does.
        """
        if not files:
            return
        for path in files:
            _refuse(path)
        token = token_hex(8)
        argv = ["sh", "-c", _UNPACK, "sh", token, f"{0o777 & ~folders:o}", *files]
        command = self.as_root(argv) if root else argv
        done = self._ask(
            command, _packs(files, token, {path: (modes or {}).get(path, mode) for path in files}), seconds
        )
        if done.code != 0:
            full = "its disk is full: " if _FULL.search(done.said) else ""
            raise self._failed([*argv[:2], "…"], done, f"{full}{len(files)} files cannot be written")

    def fetch(self, path: str, *, most: int = MOST, seconds: float = 60, root: bool = False) -> bytes:
        """The bytes of a file there. Raises HostError where there is none, and where it is larger than `most` bytes."""
        argv = ["cat", "--", _refuse(path)]
        done = self._ask(self.as_root(argv) if root else argv, None, seconds, most)
        if done.code != 0:
            raise self._failed(argv, done, f"{path} cannot be read")
        return done.out

    def trouble(self, seconds: float = 30) -> Trouble | None:
        """Why the machine cannot be reached now; None where it can: a command has run there."""
        try:
            _, found = self._try(["true"], None, seconds, MOST)
        except Late as e:
            return Trouble("silent", str(e))
        return found

    def close(self) -> None:
        """End the shared connection; no process and no socket of it is left."""
        if self.socket.exists():
            with suppress(Late, HostError):
                talk([*self._words(), "-O", "exit", *self._target()], env=environment(), seconds=5)
            self.socket.unlink(missing_ok=True)

    def __enter__(self) -> "Line":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closed."""
        self.close()

    def _ask(
        self, argv: Sequence[str], feed: Feed | None, seconds: float, most: int = MOST, hear: Hear | None = None
    ) -> Answer:
        try:
            done, found = self._try(argv, feed, seconds, most, hear)
        except Late as e:
            raise HostError(f"{self.host.name}: {argv[0]} {e}", detail=f"$ {shlex.join(argv)[:500]}") from None
        if found:
            raise sshsaid.error(self.host, found, ("ssh", *self._options[:2], *self._target()))
        return done

    def _try(
        self, argv: Sequence[str], feed: Feed | None, seconds: float, most: int, hear: Hear | None = None
    ) -> tuple[Answer, Trouble | None]:
        with self._first:  # two that make the connection at once would be in each other's way
            if not self.socket.exists():
                done = self._talk(["true"], None, self._patience * 3, MOST)
                if found := self._trouble(done):
                    return done, found
                must_be_pinned(self.host)
        done = self._talk(argv, feed, seconds, most, hear)
        return done, self._trouble(done)

    def _talk(
        self, argv: Sequence[str], feed: Feed | None, seconds: float, most: int, hear: Hear | None = None
    ) -> Answer:
        command = [*self._words(), *self._target(), shlex.join(argv)]
        return talk(command, env=environment(), seconds=seconds, feed=feed, most=most, hear=hear)

    def _trouble(self, done: Answer) -> Trouble | None:
        """255 is OpenSSH's own exit code, and may be a command's."""
        if done.code != 255:
            return None
        found = sshsaid.trouble(done.said)
        if found and found.kind == "unpinned" and self._strict and "StrictHostKeyChecking=yes" in self._strict:
            return Trouble("changed", found.words)
        return found if found or self._stands() else Trouble("other", sshsaid.last_words(done.said))

    def _stands(self) -> bool:
        try:
            return talk([*self._words(), "-O", "check", *self._target()], env=environment(), seconds=5).code == 0
        except Late:
            return False

    def _words(self) -> tuple[str, ...]:
        if self._strict is None or "StrictHostKeyChecking=yes" not in self._strict:
            self._strict = strictness(self.host)
        patience = ("-o", f"ConnectTimeout={max(1, round(self._patience))}")
        return ("ssh", *patience, *_OWN, "-o", f"ControlPath={self.socket}", *self._strict, *self._options)

    def _target(self) -> tuple[str, ...]:
        return target(self.host)

    def _failed(self, argv: Sequence[str], done: Answer, what: str = "") -> HostError:
        said = without_noise(done.said) or done.out.decode("utf-8", "replace")
        lines = [f"$ {shlex.join(argv)[:500]}", *said.strip().splitlines()[-12:]]
        message = what or f"{argv[0]} ended with exit {done.code}"
        return HostError(f"{self.host.name}: {message}", detail="\n".join(lines))


def target(host: Host) -> tuple[str, ...]:
    """The words that end OpenSSH's own: port and whom to ask for."""
    return (*port_words(host), f"{host.user}@{host.address.strip('[]')}")


def environment() -> dict[str, str]:
    """What OpenSSH is run with: its messages in English, and no window that asks for a passphrase."""
    return {**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}


def _refuse(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or pure.name in {"", ".."} or str(pure) != path or "\x00" in path or "\n" in path:
        raise SpecError(f"{path[:60]!r} is no absolute path of a file on a host")
    return path


def _writes(data: bytes) -> Feed:
    def write(pipe: IO[bytes]) -> None:
        pipe.write(data)

    return write


def _packs(files: Mapping[str, bytes | Path], token: str, modes: Mapping[str, int]) -> Feed:
    """A tar archive of the files under the names that they have until all are there."""

    def write(pipe: IO[bytes]) -> None:
        with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path, data in files.items():
                pure = PurePosixPath(path)
                entry = tarfile.TarInfo(str(pure.with_name(f".{pure.name}.{token}")).lstrip("/"))
                entry.mode = modes[path]
                with BytesIO(data) if isinstance(data, bytes) else data.open("rb") as source:
                    entry.size = len(data) if isinstance(data, bytes) else os.fstat(source.fileno()).st_size
                    tar.addfile(entry, source)

    return write
