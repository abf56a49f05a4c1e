"""What OpenSSH says when a machine cannot be reached: which trouble it is, and what to type next."""

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from swarmctl.core.hosts import Host
from swarmctl.effects.hosts.hostkeys import fingerprints
from swarmctl.errors import HostError

Kind = Literal[
    "changed",
    "unpinned",
    "denied",
    "refused",
    "silent",
    "unknown-name",
    "closed",
    "lost",
    "forward",
    "settings",
    "other",
]
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("changed", r"REMOTE HOST IDENTIFICATION HAS CHANGED"),
    ("unpinned", r"^Host key verification failed|host key is known for .* strict checking"),
    ("settings", r"Bad configuration option|terminating, \d+ bad config|Can't open user config file|Bad owner or perm"),
    ("forward", r"Could not request local forwarding|cannot listen to port|Address already in use"),
    ("denied", r"Permission denied \(|Too many authentication failures|No more authentication methods"),
    ("refused", r"Connection refused"),
    ("unknown-name", r"Could not resolve hostname|Name or service not known"),
    (
        "lost",
        r"Timeout, server .* not responding|client_loop: |Connection to .* closed by remote host|read from master",
    ),
    ("silent", r"timed out|No route to host|Network is unreachable|Host is down"),
    ("closed", r"Connection (closed|reset)|kex_exchange_identification|Broken pipe"),
)
_SENTENCES: dict[Kind, str] = {
    "changed": "another machine answers at {place}: its host key is not the one that was pinned",
    "unpinned": "nobody has checked the host key of {place} yet",
    "denied": "{place} does not let {user} in: it takes none of the keys that were offered",
    "refused": "{place} refuses the connection: no SSH listens there",
    "silent": "{place} does not answer",
    "unknown-name": "{place} is no name that can be looked up",
    "closed": "{place} hangs up before SSH begins",
    "lost": "the connection to {place} was lost",
    "forward": "a forwarded port is taken on this machine",
    "settings": "OpenSSH cannot read its settings for {place}",
    "other": "OpenSSH cannot reach {place}",
}
_PINNED = "ssh-keygen -R {known} -f {file}   # only if you know why it changed"
_HINTS: dict[Kind, str] = {
    "changed": _PINNED,
    "unpinned": "{ssh}   # once, and compare the key",
    "denied": "ssh-copy-id {port}{login}   # or ssh-add -l: is the key there?",
    "forward": "ss -ltnp   # who has it? then run the command again",
    "settings": "{ssh} -G",
}
_SENT = re.compile(r"key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]{20,64})")
_NOISE = re.compile(r"^(Warning: Permanently added|\*\* |@{3,})")
_LONGEST = 300


class ChangedKeyError(HostError):
    """The host key is another one than that which was pinned."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection. words: OpenSSH's own, its last line that says something. sent: the fingerprint of the
    host key that was met, where it was another than the pinned one.
    """

    kind: Kind
    words: str
    sent: str = ""

    @property
    def passes(self) -> bool:
        """It is how a machine behaves that is still booting or whose keys are still on their way."""
        kinds = {"refused", "silent", "closed", "denied", "lost", "other"}
        return self.kind in kinds or "Temporary failure in name resolution" in self.words


def trouble(said: str) -> Trouble | None:
    """The trouble that OpenSSH's errors tell of; None where they tell of none."""
    for kind, pattern in _PATTERNS:
        if found := re.search(pattern, said, re.MULTILINE):
            start = said.rfind("\n", 0, found.start()) + 1
            end = said.find("\n", found.end())
            sent = _SENT.search(said) if kind == "changed" else None
            return Trouble(kind, _clean(said[start : end if end >= 0 else None]), sent[1] if sent else "")
    return None


def last_words(said: str) -> str:
    """The last line that says something; empty where none does."""
    lines = [_clean(line) for line in said.splitlines() if line.strip() and not _NOISE.match(line)]
    return lines[-1] if lines else ""


def without_noise(said: str) -> str:
    """Errors of a remote command, without what OpenSSH says when it pins a key."""
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("Warning: Permanently added"))


def error(host: Host, found: Trouble, argv: tuple[str, ...] = ()) -> HostError:
    """The letter: the sentence, what OpenSSH said with the command, and what to type next."""
    lines = [*([f"$ {shlex.join(argv)}"] if argv else []), *([found.words] if found.words else [])]
    kinds = ChangedKeyError if found.kind == "changed" else HostError
    if found.kind == "changed":
        lines += _keys(host, found)
    return kinds(f"{host.name}: {sentence(host, found)}", detail="\n".join(lines), hint=_hint(host, found.kind))


def _keys(host: Host, found: Trouble) -> list[str]:
    """Both fingerprints, as far as they are known."""
    pinned: tuple[str, ...] = ()
    with suppress(HostError):
        pinned = fingerprints(host)
    return [
        *([f"pinned: {', '.join(pinned)}   in {host.known_hosts}"] if pinned else []),
        *([f"met:    {found.sent}   at {place(host)}"] if found.sent else []),
    ]


def sentence(host: Host, found: Trouble) -> str:
    """What is wrong, of this host."""
    return _SENTENCES[found.kind].format(place=place(host), user=host.user)


def place(host: Host) -> str:
    """Address and port as people write them."""
    return host.address if host.port == 22 else f"{host.address}:{host.port}"


def _hint(host: Host, kind: Kind) -> str:
    login = f"{host.user}@{host.address.strip('[]')}"
    port = f"-p {host.port} " if host.port != 22 else ""
    extra = f"-F {shlex.quote(host.config)} " if host.config else ""
    extra += f"-i {shlex.quote(host.key)} " if host.key else ""
    extra += f"-J {shlex.quote(host.jump)} " if host.jump else ""
    known = shlex.quote(host.alias or (host.address if host.port == 22 else f"[{host.address}]:{host.port}"))
    file = shlex.quote(host.known_hosts or "~/.ssh/known_hosts") if host.known_hosts else "~/.ssh/known_hosts"
    pattern = _HINTS.get(kind, "{ssh} -v true")
    return pattern.format(ssh=f"ssh {extra}{port}{login}", port=port, login=login, known=known, file=file)


def _clean(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line).strip()[:_LONGEST]
