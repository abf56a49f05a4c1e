"""`orphans`: machines under our labels, read from the market alone, and what each is to us."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from swarmctl.core.leasing.label import PREFIX
from swarmctl.core.leasing.ownership import Found, Me, Whose, sort
from swarmctl.core.price.money import ZERO
from swarmctl.effects.providers.here import vast
from swarmctl.effects.providers.owner import known_owner
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is held, and by whose eyes."""

    found: tuple[Found, ...]
    me: Me

    @property
    def now(self) -> float:
        """When it was looked at, in epoch seconds."""
        return self.me.now

    def of(self, *kinds: Whose) -> Sequence[Found]:
        """Those of some kinds."""
        return [one for one in self.found if one.whose in kinds]

    @property
    def loose(self) -> Sequence[Found]:
        """Machines that bill for nobody here."""
        return self.of(Whose.EXPIRED, Whose.ORPHAN)

    @property
    def hourly(self) -> Decimal:
        """$/h that the loose ones cost, as far as the market says."""
        return sum((one.lease.hourly.known or ZERO for one in self.loose), ZERO)


def orphans(world: World, provider: Provider | None = None) -> Holdings:
    """Everything that is called like ours. Raises UnknownError where the market does not say: that is never "none"."""
    now = world.clock.now().timestamp()
    held = (provider or vast(world.state, world.clock)).leases(PREFIX)
    me = Me(known_owner(world.state), world.known(), now)
    return Holdings(sort(held, me), me)
