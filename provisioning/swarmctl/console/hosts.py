"""Machines as people read them: what each has, what is on it, or why it could not be looked at."""

from collections.abc import Sequence

from swarmctl.commands.hosts import HostLine
from swarmctl.console import Console
from swarmctl.core.units import as_size

_HEAD = ("host", "address", "cards", "cores", "free memory", "Docker", "swarms")


def show_hosts(console: Console, found: Sequence[HostLine]) -> None:
    """One line each; what could not be looked at is said below."""
    if console.as_json:
        console.json({"schema": "swarmctl/hosts/v1", "hosts": [one.as_json() for one in found]})
        return
    if not found:
        console.data("no host is known: name your own in inventory/hosts.yml, as inventory/hosts.example.yml does")
        return
    console.data(console.table(_HEAD, [_cells(one) for one in found]))
    for one in found:
        if one.problem:
            console.say(f"{one.name}: {one.problem}")


def _cells(one: HostLine) -> list[object]:
    name = f"{one.name} (rented: {one.lease})" if one.lease else one.name
    on = ", ".join(one.swarms) or "-"
    if one.facts is None:
        return [name, one.where, "?", "?", "?", "?", on]
    here = one.facts.machine
    cards = ", ".join(f"{gpu.name} {as_size(gpu.memory)}" for gpu in here.gpus) or "none"
    return [name, one.where, cards, here.cores, as_size(here.ram_free), one.facts.docker or "none", on]
