"""Renting the first offer that works: written down before, labelled, its price looked at again, none left behind."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from swarmctl.core.leasing import renting
from swarmctl.core.leasing.account import Account
from swarmctl.core.leasing.affording import affordable
from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.core.leasing.burn import dearer
from swarmctl.core.leasing.label import PREFIX, Label, nonce_at
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.ranking import Choice
from swarmctl.core.leasing.renting import Attempt, Move, Stage
from swarmctl.core.price.money import micro
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.problems import UnknownError, problem
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.settling import Settling
from swarmctl.errors import CapacityError, HostError, LockedError, ProviderError

TRIES = 5
"""Offers that are tried at most."""

AGAIN = 3
"""Calls for one offer, where the market was too busy to hear the first."""

_APPEAR = (0.0, 3.0, 10.0)
"""Seconds after renting at which the machine is looked for to learn its price."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a machine is rented as. expires: epoch seconds. max_price: $/h with disk, None for no limit.

    beside: others who share the account may have a swarm of this name, too.
    """

    swarm: str
    owner: str
    expires: int
    max_price: Decimal | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Hired:
    """A machine that is ours. key: it may end itself with that, and nothing else."""

    lease: Lease
    choice: Choice
    key: Secret | None


class Hiring:
    """One user at one provider. tell: gets a line for each offer that did not work out."""

    def __init__(
        self,
        provider: Provider,
        book: LeaseBook,
        clock: Clock,
        tell: Callable[[str], None] = lambda _: None,
        random: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._provider, self._book, self._clock, self._tell, self._random = provider, book, clock, tell, random
        self._after = Settling(provider, book, clock)
        self._account: Account | None = None

    def hire(self, wish: Wish, choices: Sequence[Choice], order: Callable[[Choice], Order]) -> Hired:
        """The first offer that works; what an earlier run left unclear is settled before.

        Raises LockedError where the swarm has a machine already, CapacityError when no offer works or the credit does
        not pay the first hour of any, ProviderError when no other could either or the market does not say what is held,
        and LeakError when a machine may be left.
        Ctrl-C in a call that rents gives back what it rented.
        """
        self._after.settle(wish.swarm)
        self._none_yet(wish)
        self._account = None
        reasons: list[str] = []
        for choice in affordable(choices, self._payer().credit)[:TRIES]:
            found = self._one(wish, choice, order(choice))
            if isinstance(found, Hired):
                return found
            reasons.append(f"{choice.offer.id}: {found}")
            self._tell(f"offer {choice.offer.id} did not work out: {found}")
        raise CapacityError(
            f"none of {len(reasons)} offers could be rented" if reasons else "there is no offer to rent",
            detail="\n".join(reasons),
            hint="swarmctl offers   (the market changes by the minute)",
        )

    def held(self, swarm: str) -> tuple[Lease, ...]:
        """The machines that a swarm has, whoever rented them: what a new run adopts. Raises UnknownError."""
        return self._after.held(swarm)

    def adopt(self, swarm: str, owner: str) -> Lease | None:
        """The machine that a swarm goes on with: one that runs before others, one's own before a colleague's.

        One's own beside it are given back: nobody would look after them. Raises UnknownError, LeakError.
        """
        found = sorted(
            self._after.held(swarm),
            key=lambda one: (one.label is None or one.label.owner != owner, not one.state.computes, one.state.coming),
        )
        for extra in found[1:]:
            if extra.label is not None and extra.label.owner == owner:
                self._provider.release(extra.id)
                self._after.forget(extra.id)
        return found[0] if found else None

    def settle(self, swarm: str | None = None) -> tuple[str, ...]:
        """Give back what unclear attempts of earlier runs rented; gives those machines. Raises LeakError."""
        return self._after.settle(swarm)

    def _none_yet(self, wish: Wish) -> None:
        now = self._clock.now().timestamp()
        for lease in self._after.held(wish.swarm):
            label = lease.label
            if label is None or label.expired(now) or (wish.beside and label.owner != wish.owner):
                continue
            whose = "" if label.owner == wish.owner else f", rented from another computer or folder ({label.owner})"
            raise LockedError(
                f"swarm '{wish.swarm}' has machine {lease.id} already{whose}; a second one is not rented",
                detail=f"label {label}, {lease.state.value}",
                hint=f"swarmctl up --adopt   (goes on with it; or swarmctl down --lease {lease.id})",
            )

    def _one(self, wish: Wish, choice: Choice, order: Order) -> Hired | str:
        """The machine, or why the next offer must be tried."""
        why = ""
        for _ in range(AGAIN):
            nonce = nonce_at(self._clock.now().timestamp(), self._random())
            label = Label(wish.swarm, wish.owner, nonce, wish.expires)
            attempt, key = self._attempt(label, choice, order)
            move, _ = renting.next_move(attempt, 0.0)
            why = f"{attempt.trouble.value if attempt.trouble else attempt.stage.value}: {attempt.said}".rstrip(": ")
            if move is Move.KEEP:
                return self._inspect(wish, choice, attempt, key)
            if move is Move.STOP:
                trouble = attempt.trouble or Trouble.ODD
                raise problem(Said(0, None, trouble, attempt.said), f"renting offer {choice.offer.id}")
            if move is Move.RELEASE:
                self._after.give_back(attempt, attempt.contracts)
                return why
            if move is Move.NEXT:
                return why
        return why

    def _attempt(self, label: Label, choice: Choice, order: Order) -> tuple[Attempt, Secret | None]:
        """One call, until it is known what came of it."""
        attempt = Attempt(label.nonce, choice.offer.id, choice.offer.machine)
        self._book.intend(attempt, label, choice.hourly, self._payer().id)
        try:
            attempt, key = self._provider.rent(attempt, label, order)
            began = self._clock.monotonic()
            self._after.note(attempt)
            self._keep(attempt, key)
            return self._after.until_known(attempt, label, began), key
        except KeyboardInterrupt:
            if not attempt.contracts:
                unclear = replace(attempt, stage=Stage.UNCLEAR)
                attempt = self._after.until_known(unclear, label, self._clock.monotonic())
            self._after.give_back(attempt, attempt.contracts)
            raise

    def _payer(self) -> Account:
        """Whose account it is, so that a key of another one is never believed that a machine is gone; what it has."""
        if self._account is None:
            self._account = Account("", None)
            with suppress(ProviderError):
                self._account = self._provider.account()
        return self._account

    def _keep(self, attempt: Attempt, key: Secret | None) -> None:
        """The machine's own key, for a guard that is armed only after a crash."""
        with suppress(HostError):
            if key is not None and attempt.stage is Stage.HELD:
                self._book.keep_key(attempt.contracts[0], key)

    def _inspect(self, wish: Wish, choice: Choice, attempt: Attempt, key: Secret | None) -> Hired | str:
        """The machine as it really is: its price must be what was agreed to."""
        (id_,) = attempt.contracts
        try:
            lease = self._seen(id_)
        except BaseException:
            self._after.give_back(attempt, (id_,))
            raise
        why = "the machine vanished right after it was rented"
        if lease is not None:
            why = _too_dear(lease, choice, wish.max_price)
            if not why:
                self._mend_label(lease)
                with suppress(HostError):
                    self._book.saw(lease)
                self._end_doubles(wish, attempt)
                return Hired(lease, choice, key)
            self.shun(choice.offer.machine, why)
        self._after.give_back(attempt, (id_,))
        return why

    def _mend_label(self, lease: Lease) -> None:
        """A machine that lost its label gets it again; its variable keeps saying whose it is where that fails."""
        if lease.unlabelled and lease.label is not None:
            with suppress(ProviderError):
                self._provider.relabel(lease.id, lease.label)

    def _end_doubles(self, wish: Wish, kept: Attempt) -> None:
        """Machines of attempts that were held for nothing, because the market hid them for longer than we looked."""
        nonces = {one.attempt.nonce for one in self._book.attempts(wish.swarm) if one.attempt.stage is Stage.ABSENT}
        if not nonces:
            return
        try:
            held = self._provider.leases(f"{PREFIX}{wish.swarm}/{wish.owner}/")
        except UnknownError as e:
            self._tell(f"whether an earlier call rented a second machine is not known: {e}; see: swarmctl orphans")
            return
        doubles = [lease.id for lease in held if lease.label and lease.label.nonce in nonces - {kept.nonce}]
        self._after.give_back(kept, doubles)

    def _seen(self, id_: str) -> Lease | None:
        """The machine with its price; None where the market keeps saying that there is none. Raises UnknownError."""
        began, found = self._clock.monotonic(), None
        for at in _APPEAR:
            self._clock.sleep(at - (self._clock.monotonic() - began))
            found = self._provider.lease(id_) or found
            if found is not None and found.hourly.known is not None:
                return found
        return found

    def shun(self, machine: str, why: str) -> None:
        """Do not try this machine again for a day."""
        with suppress(HostError):
            self._book.shun(machine, why)


def _too_dear(lease: Lease, choice: Choice, max_price: Decimal | None) -> str:
    """Why the machine is not the one that was offered; empty where its price is."""
    real = lease.hourly.known
    if real is None:
        return "the market does not say what it costs"
    over = max_price is not None and real > max_price
    if not over and not dearer(lease.hourly, choice.hourly):
        return ""
    return f"it costs {micro(real)} $/h and was offered for {micro(choice.hourly)}"
