"""`reap`: end the machines that bill for nobody, from any computer that has the key."""

from collections.abc import Callable, Sequence

from swarmctl.commands.orphans import orphans
from swarmctl.commands.release import Released, Tell, release_all
from swarmctl.core.leasing.ownership import Found, to_reap
from swarmctl.effects.providers.here import vast
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World

Approve = Callable[[Sequence[Found]], bool]


def reap(
    world: World,
    *,
    approve: Approve,
    expired_only: bool = False,
    any_owner: bool = False,
    tell: Tell = lambda _: None,
    provider: Provider | None = None,
) -> Released:
    """End what is expired, whoever rented it, and this user's machines that no swarm here has.

    approve: shown what would end. Raises UnknownError where the market does not say what is held, and LeakError where
    one may still bill.
    """
    market = provider or vast(world.state, world.clock)
    ending = to_reap(orphans(world, market).found, expired_only=expired_only, any_owner=any_owner)
    if not ending or not approve(ending):
        return Released((), tuple((one.lease, "not asked for") for one in ending))
    return release_all([one.lease for one in ending], world, tell=tell, provider=market)
