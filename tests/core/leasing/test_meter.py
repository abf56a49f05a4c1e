"""Our own account of a machine: cards while they compute, disk always, each stretch at its own price."""

from decimal import Decimal

import pytest

from swarmctl.core.leasing.lease import Hourly
from swarmctl.core.leasing.meter import Sighting, metered

HOUR = 3600.0
PRICE = Hourly(Decimal("0.9"), Decimal("0.1"))


def seen(at: float, *, computes: bool = True, hourly: Hourly = PRICE) -> Sighting:
    return Sighting(at * HOUR, computes, hourly)


@pytest.mark.parametrize(
    ("sightings", "until", "gpu", "disk", "computing"),
    [
        ([seen(0)], 2, "1.8", "0.2", 2),
        ([seen(1)], 2, "1.8", "0.2", 2),  # before it was first seen it counts
        ([seen(1, computes=False)], 2, "0.9", "0.2", 1),
        ([seen(0), seen(1, computes=False), seen(3)], 4, "1.8", "0.4", 2),
        ([seen(3), seen(0), seen(1, computes=False)], 4, "1.8", "0.4", 2),
        ([seen(0), seen(1, hourly=Hourly(Decimal("1.8"), Decimal("0.1")))], 2, "2.7", "0.2", 2),
        ([seen(0), seen(5, computes=False)], 2, "1.8", "0.2", 2),  # seen after its end
        ([seen(0)], 0, "0", "0", 0),
        ([seen(0)], -1, "0", "0", 0),  # a clock that was set back
        ([seen(0, hourly=Hourly(total=Decimal(1)))], 2, "2", "0", 2),
    ],
)
def test_each_stretch_counts_as_it_was_seen(
    sightings: list[Sighting], until: float, gpu: str, disk: str, computing: float
) -> None:
    found = metered(sightings, 0.0, until * HOUR)
    assert found is not None
    assert (found.gpu, found.disk) == (Decimal(gpu), Decimal(disk))
    assert found.total == found.gpu + found.disk
    assert found.computing == computing * HOUR
    assert found.seconds == max(0.0, until) * HOUR


def test_a_machine_without_a_price_costs_an_unknown_sum() -> None:
    assert metered([], 0.0, HOUR) is None
    assert metered([seen(0, hourly=Hourly())], 0.0, HOUR) is None
    priced = metered([seen(0, hourly=Hourly()), seen(0.5)], 0.0, HOUR)
    assert priced is not None
    assert priced.gpu == Decimal("0.9"), "one look without a price is not a free hour"


def test_what_it_costs_now_is_its_newest_price_and_time_is_counted_from_its_beginning() -> None:
    newest = Hourly(Decimal("1.8"), Decimal("0.3"), None, Decimal("0.02"), Decimal("0.01"))
    found = metered([seen(5), seen(6, hourly=newest), seen(2), seen(7, hourly=Hourly())], 4 * HOUR, 8 * HOUR)
    assert found is not None
    assert (found.gpu_rate, found.disk_rate, found.down, found.up) == (
        Decimal("1.8"), Decimal("0.3"), Decimal("0.02"), Decimal("0.01"),
    )  # fmt: skip
    assert (found.seconds, found.computing) == (4 * HOUR, 4 * HOUR)
    assert (found.gpu, found.disk) == (Decimal("5.4"), Decimal("0.8"))
    free = metered([seen(0, hourly=Hourly(total=Decimal("0.1"), storage=Decimal("0.5")))], 0.0, HOUR)
    assert free is not None
    assert (free.gpu, free.gpu_rate, free.disk) == (0, 0, Decimal("0.5"))
    assert (free.down, free.up) == (0, 0)
