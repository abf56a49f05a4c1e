"""The rental market of this user: its address, its key, and the files that are kept beside it."""

import os
from pathlib import Path

from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.keys import find_key, require_key
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.spacing import Spacing
from swarmctl.effects.providers.transport import HttpTransport, Transport
from swarmctl.effects.providers.vast import Vast
from swarmctl.effects.providers.vastclient import VastClient

BASE = "https://console.vast.ai"


def base() -> str:
    """The market's address: VAST_URL, as its own tools take it, or the real one."""
    return os.environ.get("VAST_URL") or BASE


def vast(state: Path, clock: Clock, *, anonymous: bool = False) -> Vast:
    """Vast.ai with this user's key; anonymous: without one where there is none, which is enough to look at offers.

    Raises ProviderError where there is no key, SpecError for an address that no key may be sent to.
    """
    found = find_key() if anonymous else require_key()
    key = found.key if found else None
    return vast_over(HttpTransport(base(), key), state, clock, f"{base()} {key.reveal() if key else ''}")


def vast_over(transport: Transport, state: Path | None, clock: Clock, identity: str = "") -> Vast:
    """Vast.ai over any transport; state: the folder whose processes share their spacing, None for this one alone."""
    spacing = Spacing(state / "spacing.sqlite" if state else None, clock, identity)
    return Vast(VastClient(transport, spacing, clock, getattr(transport, "key", None)), clock)


def lease_book(state: Path, clock: Clock) -> LeaseBook:
    """What this user tried to rent, in the ledger's file."""
    return LeaseBook(state / "ledger.sqlite", clock)
