"""Money in integers, so that a bill is exact: one unit is a millionth of a dollar / (2592 · 10⁹)."""

from dataclasses import dataclass
from decimal import Decimal

PER_DOLLAR = 2_592_000_000_000 * 1_000_000
HOURS = 720
"""Hours of a month, as prices of storage are meant."""


def micro(dollars: float | str | Decimal) -> int:
    """Millionths of a dollar."""
    return int((Decimal(str(dollars)) * 1_000_000).to_integral_value())


def dollars(units: int) -> Decimal:
    """What units are in dollars."""
    return Decimal(units) / PER_DOLLAR


def units(amount: float | str | Decimal) -> int:
    """What dollars are in units."""
    return int(Decimal(str(amount)) * PER_DOLLAR)


def of_gpu(rate: int, ms: int) -> int:
    """Units for a GPU. rate: millionths of a dollar an hour."""
    return rate * ms * HOURS * 1000


def of_disk(price: int, milli_gb: int, ms: int) -> int:
    """Units for storage. price: millionths of a dollar for a GB and month."""
    return price * milli_gb * ms


def of_traffic(price: int, count: int) -> int:
    """Units for bytes. price: millionths of a dollar for 10⁹ bytes."""
    return price * count * 2592


@dataclass(frozen=True, slots=True)
class Bill:
    """What one contract owes, in units, by kind."""

    gpu: int = 0
    disk: int = 0
    down: int = 0
    up: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.gpu + self.disk + self.down + self.up
