"""One's own machines: found by name in inventory/hosts.yml, or by what OpenSSH's configuration makes of the name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swarmctl.core.hosts import Host, ssh_options
from swarmctl.core.ownhosts import host, read_hosts
from swarmctl.effects.hosts.hostkeys import keys_file, port_words
from swarmctl.effects.process import run
from swarmctl.errors import HostError, SpecError

FILE = Path("inventory") / "hosts.yml"


def written(folders: Sequence[Path]) -> tuple[Path | None, dict[str, dict[str, Any]]]:
    """The first inventory/hosts.yml of these folders, and what it says of each machine. Raises SpecError."""
    for folder in folders:
        file = folder / FILE
        if file.is_file():
            try:
                return file, read_hosts(file.read_bytes(), str(file))
            except OSError as e:
                raise SpecError(f"{file} cannot be read: {e.strerror}") from None
    return None, {}


def find(name: str, folders: Sequence[Path], state: Path) -> Host:
    """A machine by its name. Its key is held against the user's own file where that knows it, else pinned by us
    under its name: at another address it must be the same.

    Raises SpecError for a name that neither the inventory nor OpenSSH's configuration says more of, HostError.
    """
    file, entries = written(folders)
    bare = host(name, entries.get(name, {}), {})
    said = _said(bare)
    if name not in entries and said.get("hostname", name) == name and "." not in name:
        known = ", ".join(entries) or "none"
        raise SpecError(
            f"there is no host '{name}'",
            detail=f"{file or FILE}: {known}; ~/.ssh/config says nothing of it",
            hint=f"name it in {file or FILE}, as inventory/hosts.example.yml does, or in ~/.ssh/config",
        )
    found = host(name, entries.get(name, {}), said)
    return found if _is_known(said) else replace(found, known_hosts=str(keys_file(state, name)), alias=name)


def _said(bare: Host) -> dict[str, str]:
    """What OpenSSH makes of the address, by its own words."""
    try:
        lines = run(["ssh", "-G", *ssh_options(bare), *port_words(bare), bare.address], timeout=10).stdout.splitlines()
    except HostError as e:
        raise HostError(f"{bare.name}: {e.message}", detail=e.detail, hint="apt install openssh-client") from None
    return dict(line.split(" ", 1) for line in lines if " " in line)


def _is_known(said: dict[str, str]) -> bool:
    """The user's own file of host keys has one of this machine."""
    name = said.get("hostkeyalias") or said.get("hostname", "")
    where = name if said.get("port", "22") == "22" else f"[{name}]:{said['port']}"
    files = [Path(word).expanduser() for word in said.get("userknownhostsfile", "").split()]
    return any(
        file.is_file() and run(["ssh-keygen", "-F", where, "-f", str(file)], timeout=10, check=False).code == 0
        for file in files
    )
