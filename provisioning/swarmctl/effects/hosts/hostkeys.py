"""Host keys: pinned at the first contact in a file for each lease or host, held against after, forgotten with it."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

from swarmctl.core.hosts import NO_CONFIG, Host, ssh_options
from swarmctl.effects.paths import private
from swarmctl.effects.process import run
from swarmctl.errors import HostError, SpecError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
_MOST = 256 * 1024


def keys_file(state: Path, name: str) -> Path:
    """Where the keys of one lease or host are pinned; its folder is made. Raises SpecError for no plain name."""
    if not _NAME.fullmatch(name):
        raise SpecError(f"{name[:60]!r} cannot be the name of a host")
    return private(state / "hostkeys") / name


def forget(state: Path, name: str) -> None:
    """The lease is gone: whoever answers at its address next is somebody else."""
    file = keys_file(state, name)
    for path in (file, file.with_name(f"{name}.old")):
        path.unlink(missing_ok=True)


def is_pinned(host: Host) -> bool:
    """A key of this host at this address is in its own file; False where the user's file is used."""
    if not host.known_hosts:
        return False
    name = _known_as(host)
    return any(_is(name, pattern) for pattern, _ in _entries(Path(host.known_hosts)))


def strictness(host: Host) -> tuple[str, ...]:
    """Words for OpenSSH, to stand before its others: only the pinned key once there is one, and names in the open."""
    if not host.known_hosts:
        return ()
    Path(host.known_hosts).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    strict = ("-o", "StrictHostKeyChecking=yes") if is_pinned(host) else ()
    return (*strict, "-o", "HashKnownHosts=no")


def must_be_pinned(host: Host) -> None:
    """After a contact: OpenSSH goes on where it cannot write the key down. Raises HostError where it did."""
    if host.known_hosts and not any(_entries(Path(host.known_hosts))):
        hint = f"ls -ld {host.known_hosts}"
        raise HostError(f"{host.name}: its host key cannot be pinned in {host.known_hosts}", hint=hint)


def fingerprints(host: Host) -> tuple[str, ...]:
    """Of the pinned keys, as OpenSSH shows them: `SHA256:…`."""
    name = _known_as(host) if host.known_hosts else ""
    found = (key for pattern, key in _entries(Path(host.known_hosts)) if _is(name, pattern)) if name else iter(())
    return tuple(dict.fromkeys(mark for key in found if (mark := _fingerprint(key))))


def _known_as(host: Host) -> str:
    """The name under which OpenSSH writes a key down: what its configuration makes of the address counts."""
    address, port, alias = host.address.strip("[]"), str(host.port), host.alias
    if host.config != NO_CONFIG:
        argv = ["ssh", "-G", *ssh_options(host), *port_words(host), f"{host.user}@{address}"]
        try:
            lines = run(argv, timeout=10).stdout.splitlines()
        except HostError as e:
            raise HostError(f"{host.name}: {e.message}", detail=e.detail, hint=e.hint) from None
        said = dict(line.split(" ", 1) for line in lines if " " in line)
        address, port, alias = said.get("hostname", address), said.get("port", port), said.get("hostkeyalias", "")
    name = alias or (address if port == "22" else f"[{address}]:{port}")
    return name.lower()


def port_words(host: Host) -> tuple[str, ...]:
    """`-p PORT`, unless it is the usual one, which the user's configuration may have said otherwise."""
    return () if host.port == 22 else ("-p", str(host.port))


def _entries(file: Path) -> Iterator[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            text = lines.read(_MOST)
    except OSError:
        return
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0][0] not in "#@":
            yield words[0], words[2]


def _is(name: str, pattern: str) -> bool:
    if not pattern.startswith("|1|"):
        return name in pattern.lower().split(",")
    _, _, salt, told = (*pattern.split("|"), "", "", "")[:4]
    try:
        made = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(made, base64.b64decode(told))
    except (binascii.Error, ValueError):
        return False


def _fingerprint(key: str) -> str:
    try:
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
    except (binascii.Error, ValueError):
        return ""
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
