"""The promise of a rental market; one contract suite holds every maker to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from swarmctl.core.leasing.account import Account, Charge, PublicKey
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.renting import Attempt
from swarmctl.core.leasing.want import Need
from swarmctl.core.listing import Listing
from swarmctl.effects.providers.secret import Secret


class Rented(NamedTuple):
    """What came of a call to rent. key: what the machine itself may start, stop and destroy itself with."""

    attempt: Attempt
    key: Secret | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What the account's key may do, as far as reading tells. groups: name → allowed, None where it could not be told.

    wide: it may do more than swarmctl needs.
    """

    groups: dict[str, bool | None]
    wide: bool | None


class Provider(Protocol):
    """Where machines are rented. Everything that is said here is read from the market, never from a local file."""

    def offers(self, need: Need, *, broad: bool = False) -> Listing:
        """What could be rented now; never rents. broad: by the card alone. Raises ProviderError."""
        ...

    def rent(self, attempt: Attempt, label: Label, order: Order) -> Rented:
        """Take the attempt's offer under the label, in one call that is never repeated; the stage says what is known.

        Raises nothing: a call without an answer is an attempt that is UNCLEAR.
        """
        ...

    def leases(self, prefix: str = "") -> tuple[Lease, ...]:
        """What is held under labels that begin so. Raises UnknownError where it cannot be told; never half a list."""
        ...

    def lease(self, id_: str) -> Lease | None:
        """One machine, None where the market says that there is none. Raises UnknownError."""
        ...

    def release(self, lease: str) -> None:
        """Stop paying: gone, and gone again five seconds later. Already gone is success; calling it twice is safe.

        Raises LeakError with the command to type where it may still bill.
        """
        ...

    def stop(self, lease: str) -> Result:
        """Its card is no longer paid, its disk is. Never raises."""
        ...

    def start(self, lease: str) -> None:
        """A machine that stands still is to run again, with what is on its disk; may take its time.

        Raises ProviderError, also where it may have worked.
        """
        ...

    def delete(self, lease: str) -> Result:
        """Order it to be destroyed; says nothing of whether it is. Never raises."""
        ...

    def look(self, lease: str, *, thorough: bool) -> Result:
        """GONE, THERE, or FAILED where it cannot be told. thorough: the listing must agree. Never raises."""
        ...

    def relabel(self, lease: str, label: Label) -> None:
        """Give a machine another label, e.g. a later expiry. Raises ProviderError, also where it may have worked."""
        ...

    def account(self) -> Account:
        """Who pays, and what is left. Raises ProviderError."""
        ...

    def keys(self) -> tuple[PublicKey, ...]:
        """SSH keys that the account's machines let in. Raises ProviderError."""
        ...

    def add_key(self, text: str) -> None:
        """Let a public key in, on machines that are rented from now on; one that is there already is fine."""
        ...

    def admit(self, lease: str, text: str) -> None:
        """Let a public key into one machine that runs; again changes nothing. Raises ProviderError."""
        ...

    def charges(self, since: int, until: int) -> Sequence[Charge]:
        """What was charged, from and to epoch seconds; more than that where the market counts by the day.

        Machines that are gone are among them. Raises UnknownError.
        """
        ...

    def clock_ahead(self) -> float | None:
        """Seconds by which our clock was ahead of the market's when it last answered; None where it did not say."""
        ...

    def scope(self) -> Scope:
        """What the key may do. Raises ProviderError for a key that is not valid."""
        ...
