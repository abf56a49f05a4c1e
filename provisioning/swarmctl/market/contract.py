"""A rental: what was agreed, and what state it was in from when to when."""

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from swarmctl.market.wire import Json

GONE = "gone"


class Span(NamedTuple):
    """A state from a moment on. since: ms. gpu: millionths of a dollar an hour. disk: the same for a GB and month.

    actual, cur, intended and next are what the market calls actual_status, cur_state, intended_status, next_state.
    """

    since: int
    actual: str | None
    cur: str
    intended: str
    next: str
    message: str | None = None
    gpu: int = 0
    disk: int = 0


@dataclass(slots=True)
class Contract:
    """One rental. Times in ms. rate, storage, stopped, up, down: prices as an offer has them. spans: by time, the last
    ones may lie ahead. agenda: what befalls it at a time. ports: by what the guest calls them (`22/tcp`). traffic:
    [ms, bytes down, bytes up]. faults: what is wrong with it, by the fault's name.
    """

    id: int
    offer: int
    machine: int
    gpus: int
    created: int
    ends: int
    image: str
    runtype: str
    vm: bool
    disk: int
    rate: int
    storage: int
    stopped: int
    up: int
    down: int
    bid: bool
    key: str
    label: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    onstart: str | None = None
    args: list[str] = field(default_factory=list)
    ssh_keys: list[str] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    proxy: int = 0
    spans: list[Span] = field(default_factory=list)
    agenda: list[tuple[int, str]] = field(default_factory=list)
    traffic: list[tuple[int, int, int]] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    settled: bool = False

    def at(self, now: int) -> Span:
        """Its state at a time."""
        for span in reversed(self.spans):
            if span.since <= now:
                return span
        return self.spans[0]

    def lives(self, now: int) -> bool:
        """Whether it exists."""
        return self.at(now).actual != GONE

    def works(self, now: int) -> bool:
        """Whether it holds its GPUs."""
        span = self.at(now)
        return span.actual != GONE and span.cur == "running"

    def become(self, *spans: Span) -> None:
        """Goes on like this from the first one's time, whatever was to come."""
        since = spans[0].since
        self.spans = [one for one in self.spans if one.since < since] + list(spans)

    def later(self, when: int, what: str) -> None:
        """Something befalls it then."""
        self.agenda = sorted([*self.agenda, (when, what)])

    def dump(self) -> Json:
        """As it is kept."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(one.name for one in fields(Contract))


def load(kept: Json) -> Contract:
    """A contract as it was kept."""
    told: dict[str, Any] = dict(kept)
    told["spans"] = [Span(*one) for one in kept["spans"]]
    told["agenda"] = [(one[0], one[1]) for one in kept["agenda"]]
    told["traffic"] = [(one[0], one[1], one[2]) for one in kept["traffic"]]
    return Contract(**told)
