"""Hosts that SSH reaches: what a line of OpenSSH needs for one, and the inventory that playbooks find them in."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from swarmctl.errors import SpecError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_USER = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}|\[?[0-9A-Fa-f:.]{2,45}\]?")
_JUMP = re.compile(r"([a-z_][a-z0-9_.-]{0,31}@)?[A-Za-z0-9][A-Za-z0-9._-]{0,252}(:[0-9]{1,5})?")
_PATH = re.compile(r"[^\x00-\x1f\x7f{}%\"'\\]{0,1000}")
"""Without what would end a word, and without what Ansible would read as a template."""
NO_CONFIG = "none"
"""OpenSSH's own word for no configuration file."""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine that we can reach.

    name: of the slot, unique in an inventory. key: path of a private key, "" for what OpenSSH and its agent have.
    jump: `user@host:port` to go through. known_hosts: file in which the host's key is pinned at the first contact and
    held against after, "" for the user's own. config: OpenSSH's configuration file, "" for the user's, NO_CONFIG.
    alias: the name under which the key is pinned, wherever the host is reached; "" for its address and port.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    key: str = ""
    jump: str = ""
    known_hosts: str = ""
    config: str = ""
    alias: str = ""


def problems(host: Host) -> list[str]:
    """What of a host cannot be used, as sentences; empty where all can."""
    shapes: dict[str, tuple[re.Pattern[str], object]] = {
        "name": (_NAME, host.name),
        "address": (_ADDRESS, host.address),
        "user": (_USER, host.user),
        "jump": (_JUMP, host.jump or "x"),
        "key": (_PATH, host.key),
        "known_hosts": (_PATH, host.known_hosts),
        "config": (_PATH, host.config),
        "alias": (_NAME, host.alias or "x"),
    }
    wrong = [what for what, (shape, text) in shapes.items() if not (isinstance(text, str) and shape.fullmatch(text))]
    found = [f"{what} is {str(getattr(host, what))[:60]!r}" for what in wrong]
    port: object = host.port
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        found.append(f"port is {str(port)[:20]}, not 1 to 65535")
    return found


def ssh_options(host: Host) -> tuple[str, ...]:
    """Words for OpenSSH before the address, without port and user: `ssh *options -p PORT USER@ADDRESS`.

    Nothing is asked at a terminal, and the agent is never forwarded. Raises SpecError for a host that cannot be used.
    """
    _refuse([host])
    words = ["-F", host.config] if host.config else []
    options = ["BatchMode=yes", "ForwardAgent=no", "ConnectTimeout=10", "ServerAliveInterval=15"]
    if host.known_hosts:
        pinned = ("GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=accept-new", "UpdateHostKeys=no")
        options += [f"UserKnownHostsFile={_quoted(host.known_hosts)}", *pinned]
        options += [f"HostKeyAlias={host.alias}"] if host.alias else []
    if host.key:
        words += ["-i", host.key]
        options.append("IdentitiesOnly=yes")
    if host.jump:
        options.append(f"ProxyJump={host.jump}")
    return (*words, *(word for option in options for word in ("-o", option)))


def inventory(hosts: Iterable[Host], variables: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The inventory as YAML: group `swarmctl`, the hosts in it in their order, and variables of each by its name.

    No text of a variable is a template to Ansible, whoever wrote it. Raises SpecError for hosts that cannot be used,
    two of one name, or variables of a host that is not there.
    """
    all_ = list(hosts)
    _refuse(all_)
    more = variables or {}
    if unknown := sorted(set(more) - {host.name for host in all_}):
        raise SpecError(f"there are variables for {', '.join(unknown)}, and no such host")
    made = {host.name: _entry(host) | {name: _plain(value) for name, value in more.get(host.name, {}).items()}
            for host in all_}  # fmt: skip
    tree = {"all": {"children": {"swarmctl": {"hosts": made}}}}
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=10000)


def variables_file(values: Mapping[str, Any]) -> str:
    """Variables as YAML, for `-e @FILE`; no text is a template to Ansible."""
    return yaml.dump(_plain(dict(values)), Dumper=_Dumper, sort_keys=True, width=10000)


def _entry(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = {"ansible_host": host.address.strip("[]"), "ansible_port": host.port}
    found |= {"ansible_user": host.user, "ansible_ssh_common_args": shlex.join(ssh_options(host))}
    return found | ({"ansible_become": True} if host.user != "root" else {})


def _refuse(hosts: list[Host]) -> None:
    wrong = [f"{str(host.name)[:60]}: {said}" for host in hosts for said in problems(host)]
    names = [host.name for host in hosts]
    wrong += [f"{name} is the name of two hosts" for name in sorted({n for n in names if names.count(n) > 1})]
    if wrong:
        raise SpecError("a host cannot be used", detail="\n".join(wrong), hint="look into inventory/hosts.yml")


def _quoted(path: str) -> str:
    """OpenSSH reads a list of files there: a path with spaces stays one."""
    return f'"{path}"' if " " in path else path


class _Unsafe(str):
    """A text that Ansible takes as it stands."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes marked texts with Ansible's own tag."""

    def ignore_aliases(self, _: Any) -> bool:
        """Two equal values are written twice, never as a reference."""
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _Unsafe(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise SpecError(f"a variable is a {type(value).__name__}, which no inventory can hold")
