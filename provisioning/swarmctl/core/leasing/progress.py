"""Whether a rented machine is still on its way, judged by what the market says of it and not by a fixed time."""

from dataclasses import dataclass

from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.state import LeaseState
from swarmctl.core.units import as_duration


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. still: in one state with one text. whole: from renting to running, whatever is said.

    scheduling: until anything happens at all. lost: without a word of the machine.
    """

    still: float = 600
    whole: float = 3600
    scheduling: float = 180
    lost: float = 180


@dataclass(frozen=True, slots=True)
class Watch:
    """What was seen so far: since when the machine is looked at, what was said last, and since when that."""

    began: float
    state: LeaseState
    said: str
    changed: float

    @classmethod
    def start(cls, lease: Lease, now: float) -> "Watch":
        """The first look. now: seconds of a clock that never goes back."""
        return cls(now, lease.state, lease.said, now)

    def look(self, lease: Lease, now: float) -> "Watch":
        """One more look: a new state or new words are progress."""
        if (lease.state, lease.said) == (self.state, self.said):
            return self
        return Watch(self.began, lease.state, lease.said, now)


def hopeless(watch: Watch, now: float, patience: Patience | None = None) -> str:
    """Why there is no use in waiting on; empty while there is, and when the machine runs."""
    p, still = patience or Patience(), now - watch.changed
    state, said = watch.state, f": {watch.said}" if watch.said else ""
    if state is LeaseState.RUNNING:
        return ""
    if state.over:
        return f"{_WHY.get(state, state.value)}{said}"
    bounds = {LeaseState.SCHEDULING: p.scheduling}
    bound = p.lost if state.lost else bounds.get(state, p.still)
    if still >= bound:
        return f"{state.value} for {as_duration(still)} without a change{said}"
    if now - watch.began >= p.whole:
        return f"not running {as_duration(now - watch.began)} after it was rented{said}"
    return ""


_WHY = {
    LeaseState.OUTBID: "a higher bid took it away",
    LeaseState.FAILED: "its container cannot start there",
    LeaseState.EXITED: "it ended at once",
    LeaseState.STOPPED: "it was stopped",
    LeaseState.FROZEN: "it was frozen",
}
