"""Giving one machine back, and not resting until the market said twice that it is gone."""

from typing import Protocol

from swarmctl.core.leasing.releasing import Deed, Result, Tried, next_deed
from swarmctl.effects.clock import Clock
from swarmctl.errors import LeakError

DENIED = "the key does not allow it to be destroyed"


class Ends(Protocol):
    """The part of a provider that ends a machine; none of it raises."""

    def stop(self, lease: str) -> Result:
        """Its card is no longer paid."""
        ...

    def delete(self, lease: str) -> Result:
        """Order it to be destroyed."""
        ...

    def look(self, lease: str, *, thorough: bool) -> Result:
        """GONE, THERE or FAILED."""
        ...


def release(ends: Ends, lease: str, clock: Clock) -> None:
    """Stop, delete, gone, wait, still gone. Raises LeakError, on Ctrl-C too: then nobody has seen it gone."""
    tried: list[Tried] = []
    try:
        _go_through(ends, lease, clock, tried)
    except KeyboardInterrupt:
        raise leak(lease, tried, "Ctrl-C came before it was seen to be gone") from None


def _go_through(ends: Ends, lease: str, clock: Clock, tried: list[Tried]) -> None:
    began = clock.monotonic()
    while True:
        deed, pause = next_deed(tried, clock.monotonic() - began)
        if deed is Deed.GONE:
            return
        if deed is Deed.MAY_BILL:
            denied = any(one.result is Result.NEVER for one in tried)
            raise leak(lease, tried, DENIED if denied else "it could not be shown to be gone")
        clock.sleep(pause)
        result = _do(ends, lease, deed, tried)
        tried.append(Tried(deed, result, clock.monotonic() - began))


def _do(ends: Ends, lease: str, deed: Deed, tried: list[Tried]) -> Result:
    if deed is Deed.STOP:
        return ends.stop(lease)
    if deed is Deed.DELETE:
        return ends.delete(lease)
    again = bool(tried) and tried[-1].deed is Deed.LOOK and tried[-1].result is Result.GONE
    return ends.look(lease, thorough=again)


def leak(lease: str, tried: list[Tried], why: str) -> LeakError:
    """The last and loudest word on a machine that may still bill."""
    steps = ", ".join(f"{one.deed.value}: {one.result.value}" for one in tried[-6:])
    return LeakError(
        f"machine {lease} MAY STILL BILL: {why}",
        detail=f"{len(tried)} steps, the last: {steps}",
        hint=f"swarmctl down --lease {lease}   (or destroy it in the market's console)",
    )
