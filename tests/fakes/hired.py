"""A user, a market and what lies between them, all in one process and one time."""

import itertools
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from fakes.market import entries
from fakes.tinymarket import Hours, TinyMarket
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.ranking import Choice, rank
from swarmctl.core.leasing.want import Need, WantedCard
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.hiring import Hired, Hiring, Wish
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.vast import Vast

OWNER = "0123456789abcdef"
CARD = WantedCard(("RTX 4090",), 24564, disk=60, files=Decimal(10))
NEED = Need((CARD,), hours=Decimal(4))


def raw(n: int, **changes: Any) -> dict[str, Any]:
    """An offer that NEED takes; dearer with n."""
    entry = {**entries(1)[0], "gpu_name": "RTX 4090", "gpu_ram": 24564, "num_gpus": 1, "id": 100 + n, "machine_id": n}
    entry |= {"ask_contract_id": 100 + n, "dph_base": round(0.30 + n / 100, 6), "storage_cost": 0.15}
    entry |= {"reliability2": 0.99, "inet_down": 1000.0, "inet_down_cost": 0.0, "duration": 10**7, "disk_space": 500.0}
    entry |= {"verification": "verified", "direct_port_count": 50, "vms_enabled": True, "geolocation": "Sweden, SE"}
    return entry | {"cuda_max_good": 12.8, "hosting_type": 1, "is_bid": False, "cpu_ram": 64000} | changes


@dataclass
class Person:
    """One user. folder: the state folder."""

    market: TinyMarket
    clock: Hours
    folder: Path
    vast: Vast
    book: LeaseBook
    hiring: Hiring
    told: list[str]

    def choices(self) -> tuple[Choice, ...]:
        return rank(NEED, self.vast.offers(NEED).offers, self.book.shunned()).choices

    def hire(self, swarm: str = "seven", **terms: Any) -> Hired:
        return self.hiring.hire(self.wish(swarm, **terms), self.choices(), order)

    def wish(self, swarm: str = "seven", **terms: Any) -> Wish:
        return Wish(swarm, OWNER, int(self.clock.now().timestamp()) + 8 * 3600, **terms)

    def again(self) -> "Person":
        """The same user after a crash."""
        return person(self.market, self.folder)


_NONCES = itertools.count(1)


def order(choice: Choice) -> Order:
    return Order("docker.io/library/debian:12", choice.card.disk, choice.bid)


def person(market: TinyMarket | None = None, folder: Path | None = None, offers: int = 4) -> Person:
    clock = market.clock if market else Hours()
    market = market or TinyMarket(clock, [raw(n) for n in range(offers)])
    folder = folder or Path(tempfile.mkdtemp())
    provider = vast_over(market, folder, clock)
    book, told = LeaseBook(folder / "ledger.sqlite", clock), []
    hiring = Hiring(provider, book, clock, told.append, lambda: f"{next(_NONCES):016x}")
    return Person(market, clock, folder, provider, book, hiring, told)
