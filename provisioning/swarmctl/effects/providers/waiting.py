"""Waiting until a rented machine runs and can be reached, for as long as there is a sign of progress."""

from collections.abc import Callable

from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.progress import Patience, Watch, hopeless
from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.provider import Provider
from swarmctl.errors import HostError

EVERY = 10.0
"""Seconds between two looks, as the market's documentation has it."""


class NoUseError(HostError):
    """The machine will not come up: give it back, shun it, take the next offer."""


def await_running(
    provider: Provider,
    lease: str,
    clock: Clock,
    tell: Callable[[str], None] = lambda _: None,
    patience: Patience | None = None,
) -> Lease:
    """The machine once it runs and says where SSH is. tell: gets its state and the market's words when they change.

    Raises NoUseError with the reason. A market that does not answer is waited for within the same bounds.
    """
    given = patience or Patience()
    began = clock.monotonic()
    watch: Watch | None = None
    while True:
        now = clock.monotonic()
        found = _look(provider, lease)
        if found is not None:
            watch = _seen(watch, found, now, tell)
            if found.state is LeaseState.RUNNING and any(a.kind == "direct" for a in found.addresses):
                return found
            ports_late = found.state is LeaseState.RUNNING and now - watch.changed >= given.still
            why = "it runs, and no port of it is open for SSH" if ports_late else hopeless(watch, now, given)
            if why:
                raise NoUseError(f"machine {lease} will not come up: {why}", hint=f"swarmctl down --lease {lease}")
        if now - began >= given.whole:
            raise NoUseError(
                f"machine {lease} did not come up in {given.whole:.0f} s", hint=f"swarmctl down --lease {lease}"
            )
        clock.sleep(EVERY)


def _look(provider: Provider, lease: str) -> Lease | None:
    """The machine; None where the market does not say. Raises NoUseError where number and listing say it is gone."""
    try:
        found = provider.lease(lease)
    except UnknownError:
        return None
    if found is None and provider.look(lease, thorough=True) is Result.GONE:
        raise NoUseError(f"machine {lease} is gone", hint="swarmctl orphans")
    return found


def _seen(watch: Watch | None, lease: Lease, now: float, tell: Callable[[str], None]) -> Watch:
    new = Watch.start(lease, now) if watch is None else watch.look(lease, now)
    if new is not watch:
        tell(f"{lease.state.value}{f': {lease.said}' if lease.said else ''}")
    return new
