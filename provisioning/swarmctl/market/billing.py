"""What contracts owe: the states they were in, integrated over time."""

from collections.abc import Iterator

from swarmctl.market.contract import Contract
from swarmctl.market.money import Bill, of_disk, of_gpu, of_traffic

DAY = 86_400_000


def owed(contract: Contract, until: int, since: int = 0) -> Bill:
    """What it cost from one time to another, in ms."""
    gpu = disk = 0
    spans = contract.spans
    for place, span in enumerate(spans):
        start = max(span.since, since)
        end = min(spans[place + 1].since if place + 1 < len(spans) else until, until)
        if end > start:
            gpu += of_gpu(span.gpu, end - start)
            disk += of_disk(span.disk, contract.disk, end - start)
    down = sum(one[1] for one in contract.traffic if since <= one[0] < until)
    up = sum(one[2] for one in contract.traffic if since <= one[0] < until)
    return Bill(gpu, disk, of_traffic(contract.down, down), of_traffic(contract.up, up))


def seconds(contract: Contract, until: int) -> tuple[float, float]:
    """For how long it was billed for its GPUs, and for anything at all."""
    gpu = anything = 0
    for start, end, rate, disk in _pieces(contract, until):
        gpu += (end - start) if rate else 0
        anything += (end - start) if rate or disk else 0
    return gpu / 1000, anything / 1000


def per_hour(contract: Contract, now: int) -> int:
    """Millionths of a dollar an hour that it costs at this moment, rounded down."""
    span = contract.at(now)
    return span.gpu + span.disk * contract.disk // 720_000


def days(since: int, until: int) -> Iterator[tuple[int, int]]:
    """The parts of days, UTC, that a stretch covers."""
    while since < until:
        end = min((since // DAY + 1) * DAY, until)
        yield since, end
        since = end


def exhausted(contracts: list[Contract], credit: int, since: int, until: int) -> int:
    """The first moment, later than one time and up to another, at which what they owe reaches a credit in units.

    There must be one.
    """
    while since < until:
        middle = (since + until) // 2
        if sum(owed(one, middle).total for one in contracts) >= credit:
            until = middle
        else:
            since = middle + 1
    return until


def _pieces(contract: Contract, until: int) -> Iterator[tuple[int, int, int, int]]:
    spans = contract.spans
    for place, span in enumerate(spans):
        end = min(spans[place + 1].since if place + 1 < len(spans) else until, until)
        if end > span.since:
            yield span.since, end, span.gpu, span.disk
