"""`down --lease` and `down --all`: machines given back by what the market says, without any file of ours."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from swarmctl.commands.orphans import orphans
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.ownership import Whose
from swarmctl.effects.providers.here import lease_book, vast
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World
from swarmctl.errors import HostError, LeakError, LockedError, SpecError

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Released:
    """What was given back, and what was left alone with the reason."""

    gone: tuple[Lease, ...]
    left: tuple[tuple[Lease, str], ...] = ()


def release_one(id_: str, world: World, *, tell: Tell = lambda _: None, provider: Provider | None = None) -> Released:
    """Give one machine of ours back; already gone is fine.

    Raises SpecError for a machine that no swarmctl rented, UnknownError where the market does not say, LeakError where
    it may still bill.
    """
    if not id_.isascii() or not id_.isdigit() or len(id_) > 18:
        raise SpecError(f"{id_[:40]!r} is no machine's number", hint="swarmctl orphans   (lists them)")
    market = provider or vast(world.state, world.clock)
    lease = market.lease(id_)
    if lease is None:
        # asked by its number it is not there; only the listing makes that sure
        lease = next((held for held in market.leases() if held.id == id_), None)
    if lease is None:
        _same_account(world, market, id_)
        _written(world, id_)
        return Released(())
    if not lease.ours:
        raise SpecError(
            f"machine {id_} is not ours: its label is {lease.called[:80]!r}",
            hint="swarmctl ends only machines under its own labels; this one belongs in the market's console",
        )
    return release_all([lease], world, tell=tell, provider=market)


def _same_account(world: World, market: Provider, id_: str) -> None:
    """A key of another account knows nothing of the machine. Raises LeakError."""
    payer = ""
    with contextlib.suppress(HostError):
        written = lease_book(world.state, world.clock).attempts()
        payer = next((one.account for one in written if id_ in one.attempt.contracts), "")
    if payer and payer != (asked := market.account().id):
        raise LeakError(
            f"machine {id_} MAY STILL BILL: the key is of account {asked or '?'}, and account {payer} rented it",
            hint=f"set VAST_API_KEY to a key of account {payer}, then: swarmctl down --lease {id_}",
        )


def release_mine(
    world: World, *, any_owner: bool = False, tell: Tell = lambda _: None, provider: Provider | None = None
) -> Released:
    """Give back every machine that this user's swarms hold or lost, and with any_owner every swarmctl's.

    Raises UnknownError where the market does not say what is held, and LeakError where one may still bill.
    """
    market = provider or vast(world.state, world.clock)
    kinds = {Whose.HELD, Whose.ORPHAN, Whose.EXPIRED} | ({Whose.COLLEAGUE} if any_owner else set())
    return release_all([one.lease for one in orphans(world, market).of(*kinds)], world, tell=tell, provider=market)


def release_all(leases: Iterable[Lease], world: World, *, provider: Provider, tell: Tell = lambda _: None) -> Released:
    """Give machines back one after another; what fails stops none of the others.

    A machine of a swarm that another command works on is left to that. Raises LeakError naming all that may still bill.
    """
    gone: list[Lease] = []
    left: list[tuple[Lease, str]] = []
    failed: list[tuple[Lease, LeakError]] = []
    for lease in leases:
        try:
            with locked(lease, world, f"down --lease {lease.id}"):
                tell(f"giving back machine {lease.id} ({lease.called or lease.label})")
                with contextlib.suppress(HostError):
                    lease_book(world.state, world.clock).saw(lease)
                provider.release(lease.id)
        except LockedError as e:
            left.append((lease, e.message))
        except LeakError as e:
            failed.append((lease, e))
        else:
            gone.append(lease)
            _written(world, lease.id)
    if failed:
        raise _leak(failed, len(gone))
    return Released(tuple(gone), tuple(left))


def locked(lease: Lease, world: World, what: str) -> contextlib.AbstractContextManager[None]:
    """The swarm's lock for a command; where the ledger itself is broken, giving back goes on without it."""
    if lease.label is None:
        return contextlib.nullcontext()
    return _Lenient(world.ledger.lock(lease.label.swarm, what))


class _Lenient(contextlib.AbstractContextManager[None]):
    """A lock that a full disk or a damaged ledger does not turn into a machine that bills on."""

    def __init__(self, lock: contextlib.AbstractContextManager[None]) -> None:
        self._lock, self._held = lock, False

    def __enter__(self) -> None:
        with contextlib.suppress(HostError):
            self._lock.__enter__()
            self._held = True

    def __exit__(self, *exc: object) -> None:
        if self._held:
            with contextlib.suppress(HostError):
                self._lock.__exit__(None, None, None)


def _written(world: World, id_: str) -> None:
    with contextlib.suppress(HostError):
        lease_book(world.state, world.clock).released(id_)


def _leak(failed: list[tuple[Lease, LeakError]], gone: int) -> LeakError:
    ids = ", ".join(lease.id for lease, _ in failed)
    lines = [f"{e.message} ({lease.called or lease.label})\n  {e.detail}" for lease, e in failed]
    first, _ = failed[0]
    more = "   (and so for each)" if len(failed) > 1 else ""
    return LeakError(
        f"{len(failed)} of {len(failed) + gone} machines MAY STILL BILL: {ids}",
        detail="\n".join(lines),
        hint=f"swarmctl down --lease {first.id}{more}",
    )
