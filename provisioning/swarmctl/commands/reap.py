"""`reap`: end the machines that bill for nobody, from any computer that has the key."""

from collections.abc import Callable, Sequence

from swarmctl.commands.orphans import orphans
from swarmctl.commands.release import Released, Tell, release_all
from swarmctl.core.leasing.ownership import Found, doubtful, to_reap
from swarmctl.core.units import as_duration
from swarmctl.effects.providers.here import vast
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World

Approve = Callable[[Sequence[Found]], bool]
Sure = Callable[[Sequence[Found], str], bool]
"""Shown what only our clock calls over, and why that is in doubt; a yes ends it all the same."""


def reap(
    world: World,
    *,
    approve: Approve,
    sure: Sure = lambda _found, _why: False,
    expired_only: bool = False,
    any_owner: bool = False,
    tell: Tell = lambda _: None,
    provider: Provider | None = None,
) -> Released:
    """End what is expired, whoever rented it, and this user's machines that no swarm here has.

    approve: shown what would end. A time is over where our clock and the market's both say so; else `sure` decides.
    Raises UnknownError where the market does not say what is held, and LeakError where one may still bill.
    """
    market = provider or vast(world.state, world.clock)
    held = orphans(world, market)
    ending = to_reap(held.found, expired_only=expired_only, any_owner=any_owner)
    ahead = market.clock_ahead()
    open_ = doubtful(ending, held.me, ahead, expired_only=expired_only, any_owner=any_owner)
    why = _why(ahead)
    if open_ and not sure(open_, why):
        ending = tuple(one for one in ending if one not in open_)
    else:
        open_ = ()
    spared = tuple((one.lease, why) for one in open_)
    if not ending or not approve(ending):
        return Released((), (*spared, *((one.lease, "not asked for") for one in ending)))
    done = release_all([one.lease for one in ending], world, tell=tell, provider=market)
    return Released(done.gone, (*done.left, *spared))


def _why(ahead: float | None) -> str:
    if ahead is None:
        return "only this computer's clock says that its time is over: the market's is not known"
    return f"its time is over by this computer's clock alone, which is {as_duration(ahead)} ahead of the market's"
