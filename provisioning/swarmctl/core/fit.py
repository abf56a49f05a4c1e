"""How a swarm fits one machine: its placement, its speed and the size of its files, or why it does not fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmctl.core.hardware.box import Box
from swarmctl.core.placement.build import AGENT, SUPERVISOR
from swarmctl.core.placement.demand import Demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement, Process, Refused
from swarmctl.core.price.use import full_load
from swarmctl.core.sharing.layout import base_of
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.speed import Speed, speed

SLACK = 15
"""GB of disk beside the models: system packages, engine, agents, a repository and its tests."""


@dataclass(frozen=True, slots=True)
class Fit:
    """placement: None where it does not fit, why then says what is missing. speeds: by process name.

    single: tokens/s of the orchestrator's model, one slot alone. total: tokens/s with every slot busy. None: not
    known. files: GB (10^9 bytes) of models. disk: GB to rent. ram: MiB of host memory that suffices for it.
    """

    box: Box
    placement: Placement | None
    why: str = ""
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    single: float | None = None
    total: float | None = None
    files: float = 0.0
    disk: int = 0
    ram: int = 0

    @property
    def on_host(self) -> bool:
        """Some of it is computed by the machine's cores."""
        placed = self.placement
        return placed is not None and any(p.gpu is None or p.serving.device != "gpu" for p in placed.processes)


def fit(demand: Demand, box: Box) -> Fit:
    """Place the swarm and say how fast it would be."""
    return judged(place(demand, box), box, demand.memo)


def judged(placed: Placement | Refused, box: Box, memo: dict[Any, Any] | None = None) -> Fit:
    """The fit that an answer of `place` means."""
    if isinstance(placed, Placement):
        return measured(placed, box, memo)
    first = placed.refusals[0]
    return Fit(box, None, first.text or f"{first.rule}: {first.missing:.0f} MiB missing")


def measured(placed: Placement, box: Box, memo: dict[Any, Any] | None = None) -> Fit:
    """The fit of a placement that is there already. memo: a demand's, where many boxes have the same card."""
    known = {} if memo is None else memo.setdefault("speeds", {})
    speeds = {p.name: _speed(p, box, known) for p in placed.processes}
    size = files(placed)
    lead = leader(placed)
    return Fit(
        box=box,
        placement=placed,
        speeds=speeds,
        single=speeds[lead.name].single if lead else None,
        total=full_load(placed, speeds),
        files=size,
        disk=math.ceil(size) + SLACK,
        ram=host_memory(placed),
    )


def _speed(process: Process, box: Box, known: dict[Any, Speed]) -> Speed:
    """The speed of a process; on a card alone it is the same wherever that card is, and for copies of a model.

    How much memory the card has does not matter to it.
    """
    p = process
    if p.gpu is None or p.serving.device != "gpu":
        return speed(p.model, p.weights, p.serving, box, p.gpu)
    card = box.cards[p.gpu]
    key = (id(p.model), p.weights.quant, p.serving, card.name, card.profile, card.bandwidth)
    if key not in known:
        known[key] = speed(p.model, p.weights, p.serving, box, p.gpu)
    return known[key]


def host_memory(placed: Placement) -> int:
    """MiB of host memory with which it fits: engines, agents and the supervisor, rounded up as packing does."""
    roles = sum(len(process.roles) for process in placed.processes)
    return math.ceil(placed.on(None).total + AGENT * roles + SUPERVISOR) + 1


def leader(placed: Placement) -> Process | None:
    """The process that serves the orchestrator; the largest where there is none."""
    ranked = sorted(placed.processes, key=lambda p: (ORCHESTRATOR not in p.roles, -p.weights.total, p.name))
    return ranked[0] if ranked else None


def files(placed: Placement) -> float:
    """GB of the files that it runs, each counted once."""
    sizes = {(base_of(p), p.weights.quant): p.weights.total for p in placed.processes}
    drafts = [p.serving.draft.weights.total for p in placed.processes if p.serving.draft]
    extra = sum(p.serving.adapters + p.serving.projector for p in placed.processes)
    return (sum(sizes.values()) + sum(drafts) + extra) / 1e9
