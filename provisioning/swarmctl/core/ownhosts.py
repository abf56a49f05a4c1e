"""One's own machines as inventory/hosts.yml names them, read by the words that Ansible uses there."""

import shlex
from collections.abc import Mapping
from typing import Any

from swarmctl.core.hosts import Host
from swarmctl.core.yamltree import Unreadable, read_tree
from swarmctl.errors import SpecError

_WORDS = {
    "ansible_host": "address",
    "ansible_port": "port",
    "ansible_user": "user",
    "ansible_ssh_private_key_file": "key",
}
_JUMP = "ProxyJump="


def read_hosts(raw: bytes, source: str) -> dict[str, dict[str, Any]]:
    """What the file says of each machine, as fields of Host; all groups of it. Raises SpecError."""
    if not raw.strip():
        return {}
    try:
        tree, mistakes = read_tree(raw)
    except Unreadable as e:
        raise SpecError(f"{source} cannot be read: {e}") from None
    if mistakes:
        raise SpecError(f"{source}: {mistakes[0].message}", hint="see inventory/hosts.example.yml")
    found: dict[str, dict[str, Any]] = {}
    wrong: list[str] = []
    for name, entry in _entries(tree.plain()):
        try:
            found[name] = _fields(entry)
        except ValueError as e:
            wrong.append(f"{name}: {e}")
    if wrong:
        raise SpecError(f"{source} names hosts that cannot be used", detail="\n".join(wrong))
    return found


def host(name: str, fields: Mapping[str, Any], said: Mapping[str, str]) -> Host:
    """A machine. fields: of the file. said: what `ssh -G` makes of the address, for what the file leaves open."""
    port = fields.get("port", int(said.get("port", "22")) if said.get("port", "22").isdigit() else 22)
    return Host(
        name=name,
        address=str(fields.get("address", name)),
        port=port,
        user=str(fields.get("user") or said.get("user") or "root"),
        key=str(fields.get("key", "")),
        jump=str(fields.get("jump", "")),
    )


def _entries(tree: Any) -> list[tuple[str, Any]]:
    """Hosts of all groups, in the file's order; a group may stand in another."""
    found: list[tuple[str, Any]] = []
    if isinstance(tree, Mapping):
        for group in tree.values():
            if isinstance(group, Mapping):
                hosts = group.get("hosts")
                found += [(str(name), entry) for name, entry in hosts.items()] if isinstance(hosts, Mapping) else []
                found += _entries(group.get("children"))
    return found


def _fields(entry: Any) -> dict[str, Any]:
    if entry is None:
        return {}
    if not isinstance(entry, Mapping):
        raise ValueError("a host has settings, one a line")  # noqa: TRY004 - the file's mistake, not a caller's
    found = {field: entry[word] for word, field in _WORDS.items() if word in entry}
    if "port" in found and (not isinstance(found["port"], int) or isinstance(found["port"], bool)):
        raise ValueError(f"ansible_port: {found['port']!r} is no port")
    for word in shlex.split(str(entry.get("ansible_ssh_common_args", ""))):
        if word.startswith(_JUMP):
            found["jump"] = word.removeprefix(_JUMP)
    return found
