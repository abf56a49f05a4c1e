"""A rented machine that stands still, started again: with what lies on its disk, at the price that was agreed to."""

from collections.abc import Callable
from dataclasses import dataclass

from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.standstill import STILL, over, standstill
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.providers.waiting import EVERY, await_running
from swarmctl.errors import CapacityError, HostError

Say = Callable[[str], None]
HELD_UP = 180.0
"""Seconds for which a machine that was told to start may stand still: its card may be somebody else's now."""


@dataclass(frozen=True, slots=True)
class Waker:
    """One market. say: told why a machine stood still, and what becomes of it."""

    market: Provider
    clock: Clock
    say: Say

    def awake(self, lease: Lease, swarm: str) -> Lease:
        """The machine once it runs and says where SSH is; at once where it does.

        Raises CapacityError where it cannot be started (its time is over, its card is taken, nobody pays), HostError
        where its market does not hear of it, NoUseError, ProviderError.
        """
        now = self.clock.now().timestamp()
        if lease.state is LeaseState.RUNNING and any(one.kind == "direct" for one in lease.addresses):
            return lease
        if lease.state.lost or lease.state is LeaseState.FAILED:
            raise HostError(
                standstill(lease.id, lease, swarm, now), hint=f"swarmctl status --swarm {swarm}   (in a while)"
            )
        if lease.state in STILL:
            if over(lease, now):
                raise CapacityError(
                    f"machine {lease.id} stands still, and its time is over: its guard would end it at once",
                    hint=f"swarmctl down --swarm {swarm}   (with what was not fetched; then up rents another)",
                )
            self.say(f"machine {lease.id} stands still ({lease.said or lease.state.value}): it is started again")
            self._start(lease, swarm)
        return await_running(self.market, lease.id, self.clock, self.say)

    def _start(self, lease: Lease, swarm: str) -> None:
        """It is on its way. Raises CapacityError, ProviderError."""
        self.market.start(lease.id)
        begun, now = self.clock.monotonic(), lease
        while self.clock.monotonic() - begun < HELD_UP:
            self.clock.sleep(EVERY / 2)
            try:
                now = self.market.lease(lease.id) or now
            except UnknownError:
                continue
            if now.state not in STILL:
                return
        raise CapacityError(
            f"machine {lease.id} was told to start and still stands ({now.said or now.state.value}): its card is taken",
            detail="what lies there is kept while its disk is paid, and it starts when the card is free",
            hint=f"swarmctl up   (again later; or swarmctl down --swarm {swarm}, then up: another machine)",
        )
