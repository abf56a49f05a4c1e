"""What becomes of a rental: its phases, and what befalls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarmctl.market.contract import GONE, Contract, Span

if TYPE_CHECKING:
    from swarmctl.market.world import World

HOUR = 3_600_000
OCI = (
    "Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create "
    "failed: runc create failed: unable to start container process"
)


def span(contract: Contract, since: int, actual: str | None, to: str = "running", message: str | None = None) -> Span:
    """A state. to: where it is and wants to be, running or stopped; only what runs costs for its GPUs."""
    works = to == "running" and actual not in {GONE, "offline"}
    disk = 0 if actual in {GONE, "offline"} else contract.storage if works else contract.stopped
    return Span(since, actual, to, to, to, message, contract.rate if works else 0, disk)


def begin(world: World, contract: Contract, now: int) -> None:
    """From the rent to `running`, in phases of a usual length."""
    draw = world.draw("life", contract.id)
    first = now + _ms(world, draw.between(1, 4))
    second = first + _ms(world, draw.between(2, 6))
    took = draw.between(60, 200) if contract.vm else draw.between(20, 120)
    steps = [span(contract, now, None), span(contract, first, "created")]
    if "oci-error" in contract.faults:
        steps[1] = span(contract, first, "created", message=f"{OCI}: {contract.image}")
    else:
        steps += _loading(world, contract, second, took)
    contract.become(*[_unbilled(world, one) for one in steps])


def _loading(world: World, contract: Contract, since: int, took: float) -> list[Span]:
    """`loading` with progress in its message, then `running`."""
    if "stuck-loading" in contract.faults:
        return [span(contract, since, "loading", message=f"Pulling from {contract.image}")]
    slow = contract.faults.get("slow-loading", 0)
    length = _ms(world, took) + slow
    shares = [(part, f"{contract.image}: Downloading {part}%") for part in range(0, 100, 20)]
    steps = [span(contract, since + length * part // 100, "loading", message=told) for part, told in shares]
    told = f"success, running {contract.image.replace(':', '_')}/ssh"
    steps.append(span(contract, since + length, "running", message=told))
    if "exited-at-once" in contract.faults:
        after = since + length + contract.faults["exited-at-once"]
        steps.append(Span(after, "exited", "stopped", "running", "stopped", "exited (1)", 0, contract.stopped))
    return steps


def _unbilled(world: World, one: Span) -> Span:
    early = one.actual in {None, "created", "loading"} and world.assume["loading-billed"] == "no"
    return one._replace(gpu=0) if early else one


def start(world: World, contract: Contract, now: int) -> None:
    """A stopped one runs again, or waits for its GPU for as long as that is taken."""
    if "gpu-taken" in contract.faults or world.free(contract.machine, now) < contract.gpus:
        contract.become(Span(now, "stopped", "stopped", "running", "running", "scheduling", 0, contract.stopped))
        return
    ready = now + _ms(world, world.draw("start", contract.id, now).between(5, 20))
    told = f"success, running {contract.image.replace(':', '_')}/ssh"
    contract.become(span(contract, now, "loading"), span(contract, ready, "running", message=told))


def stop(world: World, contract: Contract, now: int) -> None:
    """It stops within a few seconds; its storage stays and costs, often more than before."""
    going = contract.at(now)._replace(since=now, intended="stopped", next="stopped")
    contract.become(going, span(contract, now + _ms(world, 2), "stopped", "stopped", "stopped"))


def reboot(world: World, contract: Contract, now: int) -> None:
    """Stopped and started in place."""
    told = contract.at(now).message
    ready = now + _ms(world, world.draw("reboot", contract.id, now).between(8, 30))
    contract.become(span(contract, now, "rebooting"), span(contract, ready, "running", message=told))


def end(contract: Contract, now: int) -> None:
    """Gone; whatever was to befall it will not, unless it comes back."""
    contract.become(span(contract, now, GONE, "stopped"))
    contract.agenda = [one for one in contract.agenda if one[1] == "returns"]


def run_dry(world: World, contract: Contract, when: int) -> None:
    """The account has nothing left: it stops, storage goes on, and without a card on file it is gone two days later."""
    if contract.lives(when):
        if contract.works(when):
            contract.become(span(contract, when, "stopped", "stopped", "credit exhausted"))
        contract.later(when + 48 * HOUR, "debt")
        world.store.log(when, "stopped", {"contract": contract.id, "why": "credit"})


def befall(world: World, contract: Contract, when: int, what: str) -> None:
    """One entry of its agenda comes true."""
    if what == "credit-spent":
        world.account.credit = min(world.account.credit, world.spent(when))
        world.keep_account()
    elif what == "returns":
        contract.become(span(contract, when, "running", message="success, running"))
        contract.later(contract.ends, "ends")
    elif not contract.lives(when):
        return
    elif what in {"expired", "gone"} or (what == "debt" and world.account.broke):
        end(contract, when)
    elif what == "ends":
        contract.become(span(contract, when, "stopped", "stopped", "contract ended"))
        contract.later(when + 48 * HOUR, "expired")
    elif what == "outbid" and contract.bid and contract.works(when):
        contract.become(span(contract, when, "stopped", "stopped"))
    elif what in {"host-gone", "host-back"}:
        _heartbeat(world, contract, when, back=what == "host-back")
    world.store.log(when, what, {"contract": contract.id})


def _heartbeat(world: World, contract: Contract, when: int, *, back: bool) -> None:
    to = contract.at(when).intended
    if back:
        contract.become(span(contract, when, to, to))
        return
    lost = span(contract, when, "unknown", to)
    lost = lost if world.assume["unknown-billed"] == "yes" else lost._replace(gpu=0)
    contract.become(lost, span(contract, when + 120_000, "offline", to))
    if blink := contract.faults.get("host-blinks"):
        contract.later(when + max(blink, 1), "host-back")


def _ms(world: World, seconds: float) -> int:
    return max(1, round(seconds * 1000 * world.settings.pace))
