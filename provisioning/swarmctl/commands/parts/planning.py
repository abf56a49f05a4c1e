"""`plan` of a swarm over several hosts: one for each, with what they cost together and what lies between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from swarmctl.commands.parts.opening import parts_of
from swarmctl.commands.plan import plan as decide
from swarmctl.core.parts.split import notes
from swarmctl.core.plan import Plan
from swarmctl.core.price.money import ZERO, micro
from swarmctl.effects.parts.members import apart
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

if TYPE_CHECKING:
    from swarmctl.commands.beforehand import Beforehand


@dataclass(frozen=True, slots=True)
class Planned:
    """One slot. decided: where it has its machine. before: where it has none yet. problem: why neither is known."""

    opened: Opened
    decided: Plan | None = None
    before: "Beforehand | None" = None
    problem: SwarmctlError | None = None

    @property
    def fits(self) -> bool:
        """It can be brought up as far as that can be told."""
        if self.before is not None:
            return self.before.forecast.placement is not None
        return self.decided is not None and not self.decided.refusals

    @property
    def hourly(self) -> Decimal:
        """$/h of a machine that is still to be rented."""
        return self.before.offered[1].hourly if self.before and self.before.offered else ZERO

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        if self.problem is not None:
            return {"problem": self.problem.message, "detail": self.problem.detail}
        return self.before.as_json() if self.before else self.decided.as_json() if self.decided else {}


@dataclass(frozen=True, slots=True)
class Plans:
    """All slots, in the file's order, and what is to be said of them together."""

    swarm: str
    slots: Mapping[str, Planned]
    notes: tuple[str, ...]

    @property
    def hourly(self) -> Decimal:
        """$/h of all machines that are still to be rented."""
        return sum((one.hourly for one in self.slots.values()), ZERO)

    @property
    def is_empty(self) -> bool:
        """There is nothing to do."""
        return all(one.decided is not None and one.decided.is_empty for one in self.slots.values())

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        return {
            "schema": "swarmctl/plan-slots/v1",
            "swarm": self.swarm,
            "slots": {slot: one.as_json() for slot, one in self.slots.items()},
            "dollars_per_hour": str(micro(self.hourly)),
            "notes": list(self.notes),
        }


def plan(opened: Opened, world: World) -> Plans:
    """What `up` would do on each host; changes nothing. What cannot be seen of one is said beside the others."""
    found = {slot: _planned(part, apart(world)) for slot, part in parts_of(opened).items()}
    return Plans(opened.spec.name, found, tuple(notes(opened.spec)))


def _planned(part: Opened, world: World) -> Planned:
    try:
        if part.spec.target.is_here or world.placed(part.spec.name) is not None:
            return Planned(part, decided=decide(part, world))
        from swarmctl.commands.beforehand import beforehand  # noqa: PLC0415 - brings the market's client with it

        return Planned(part, before=beforehand(part, world))
    except SwarmctlError as e:
        return Planned(part, problem=e)
