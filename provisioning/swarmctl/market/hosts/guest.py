"""What a rental is to be at a moment, for whoever makes it real."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from swarmctl.market.contract import Contract
from swarmctl.market.world import World

State = Literal["made", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class Guest:
    """A machine. ports: on 127.0.0.1, by what it calls them. proxy: the port of the market's way in, 0 for none.

    memory: MiB of each of its cards. env: for its first process, or for /etc/environment of a VM.
    """

    id: int
    vm: bool
    state: State
    ports: Mapping[str, int]
    proxy: int
    env: Mapping[str, str]
    onstart: str
    ssh_keys: tuple[str, ...]
    card: str
    memory: int
    cards: int
    driver: str
    capability: int


def guests(world: World, now: int, url: str) -> list[Guest]:
    """Every machine that there is to be. url: where it reaches the market."""
    living = [world.contracts[one] for one in sorted(world.awake)]
    return [_guest(world, one, now, url) for one in living if one.lives(now)]


def _guest(world: World, contract: Contract, now: int, url: str) -> Guest:
    facts = world.shop.offers[contract.offer].facts
    env = {name: value for name, value in contract.env.items() if not name.startswith("-")}
    env |= {"VAST_URL": url, "CONTAINER_ID": str(contract.id), "GPU_COUNT": str(contract.gpus)}
    env |= {
        f"VAST_{name.split('/')[1].upper()}_PORT_{name.split('/')[0]}": str(p) for name, p in contract.ports.items()
    }
    if not contract.vm:
        env["CONTAINER_API_KEY"] = contract.key
    return Guest(
        id=contract.id,
        vm=contract.vm,
        state=_state(contract, now),
        ports=contract.ports,
        proxy=0 if contract.vm or "ssh" not in contract.runtype else contract.proxy,
        env=env,
        onstart=contract.onstart or "",
        ssh_keys=tuple(contract.ssh_keys),
        card=str(facts["gpu_name"]),
        memory=int(facts["gpu_ram"]),
        cards=contract.gpus,
        driver=str(facts["driver_version"]),
        capability=int(facts["compute_cap"]),
    )


def _state(contract: Contract, now: int) -> State:
    at = contract.at(now)
    if at.actual == "running":
        return "running" if now >= at.since + contract.faults.get("ssh-refused", 0) else "stopped"
    return "made" if at.actual in {None, "created", "loading"} else "stopped"
