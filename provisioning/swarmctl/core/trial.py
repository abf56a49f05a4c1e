"""Whether an upgrade can be tried beside what runs: before the old goes, where memory allows."""

from collections.abc import Iterable, Mapping

from swarmctl.core.composed import Composed, host_of
from swarmctl.core.drift import CHANGED, UPGRADES
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Step
from swarmctl.core.room import LEAST_DISK
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stackfiles import of_kind
from swarmctl.core.trialname import trial_name

AGENT_IDLE = 90.0
"""MiB resident of one agent's container (measured)."""
_DISK = 2.2
"""A model lies twice on the disk where its server rewrites it, and a little more; what proofs demand is left free."""


def trial_spec(spec: SwarmSpec) -> SwarmSpec:
    """The same swarm under the trial's name."""
    return spec.model_copy(update={"name": trial_name(spec.name)})


def upgrade(anew: Mapping[str, str], loads: Iterable[Step], made: Composed, observed: Observed) -> str:
    """What of a proved swarm would be served otherwise, a server or a model; empty where nothing is.

    A swarm that moves because a card came or went is no upgrade: what ran on that card cannot be kept.
    anew: cause by name of the containers that are made anew. loads: steps that give models to servers.
    """
    if observed.proved is None or {s.gpu for s in observed.services} != {stack.gpu for stack in made.stacks}:
        return ""
    servers = {s.name for s in of_kind(made.stacks, "engine")}
    found = [name for name, cause in anew.items() if name in servers and cause in UPGRADES]
    found += [step.subject for step in loads if step.cause.startswith(f"{CHANGED}weights")]
    return next(iter(found), "")


def room(made: Composed, observed: Observed) -> str:
    """Why both cannot run at once; empty when they can."""
    placed, box = made.placement, host_of(observed).box
    needed = placed.on(None).total + AGENT_IDLE * len(of_kind(made.stacks, "agent"))
    if needed > observed.machine.ram_free:
        return f"{needed:.0f} MiB of memory more are needed, and {observed.machine.ram_free} are free"
    for gpu, card in enumerate(box.cards):
        if 2 * placed.on(gpu).total > card.usable:
            return f"gpu{gpu} cannot hold both"
    size = _DISK * sum(process.weights.total for process in placed.processes) / 2**20 + LEAST_DISK
    if size > observed.machine.disk_free:
        return f"{size:.0f} MiB of disk are needed, and {observed.machine.disk_free} are free"
    return ""
