"""The second watcher of a rented machine: tells before its end, fetches results, ends what did not end by itself."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from swarmctl.core.leasing.burn import burned, since
from swarmctl.core.leasing.guardfile import when_it_ends
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.notices import Standing, due, event
from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.standstill import standstill
from swarmctl.core.leasing.watching import Before, Deed, Look, deeds
from swarmctl.core.price.money import dollars, exact
from swarmctl.effects import files
from swarmctl.effects.clock import Clock
from swarmctl.effects.notifying import Notifier, Notify
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.provider import Provider
from swarmctl.errors import HostError, LeakError, SwarmctlError

FILE = "watch.json"
"""What is watched, in the swarm's own folder; without it nothing is."""
_FAR = 10.0**9
_SOON = 900.0
"""Seconds before the end from which on people are told that results cannot be fetched."""

Say = Callable[[str], None]
Save = Callable[[], int]
There = Literal["there", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Watched:
    """One machine. expires: epoch seconds as last known. budget: $ as text, "" for none. at_end: as core.target."""

    swarm: str
    lease: str
    expires: int
    budget: str = ""
    at_end: str = "save-then-destroy"
    notify: Notify = field(default_factory=Notify)

    @classmethod
    def read(cls, folder: Path) -> "Watched | None":
        """What the file in a swarm's folder says; None where there is none, or it says nothing that makes sense."""
        raw: Any = files.read_json(folder / FILE)
        with suppress(TypeError, ValueError, KeyError, AttributeError):
            whom = raw["notify"]
            made = cls(**{**raw, "notify": Notify(str(whom["url"]), tuple(map(str, whom["command"])))})
            words = (made.swarm, made.lease, made.budget, made.at_end)
            if type(made.expires) is int and all(isinstance(word, str) for word in words):
                return made if not made.budget or exact(made.budget) else None
        return None

    def write(self, folder: Path) -> None:
        """Have it watched from the next look on."""
        files.write_json(folder / FILE, asdict(self))


@dataclass(slots=True)
class Watcher:
    """What a watcher needs of the outside. save: gives how many results are safe now, and raises what keeps them."""

    market: Provider
    book: LeaseBook
    clock: Clock
    save: Save
    notifier: Notifier
    say: Say
    before: Before = field(default_factory=Before)
    _lease: Lease | None = None
    _saved: int = 0

    def look(self, one: Watched) -> bool:
        """One look and what follows from it; True when the machine is gone for good. Raises nothing of ours."""
        was = self._lease
        there = self._there(one)
        now = self._standing(one)
        stopped = self._lease is not None and not self._lease.state.computes
        if stopped and was is not None and was.state.computes:
            self._halted(was, one, now)
        look = Look(now.at, there, now.left, now.by, stopped, one.at_end == "stop")
        wanted = deeds(look, self.before)
        self.before = replace(self.before, missed=self.before.missed + 1 if there == "gone" else 0)
        return any(self._do(deed, one, now) for deed in wanted)

    def _halted(self, was: Lease, one: Watched, now: Standing) -> None:
        """It stands still since this look: each time is told, since each is another."""
        text = standstill(was.id, self._lease, one.swarm, now.at).removeprefix(f"machine {was.id} ")
        self.notifier.tell([replace(event(now, "stopped", text), key=f"stopped@{int(now.at)}")])

    def _do(self, deed: Deed, one: Watched, now: Standing) -> bool:
        """True when the machine is gone for good."""
        if deed is Deed.SAVE:
            self.before = replace(self.before, saved=now.at)
            self._fetch(now)
        elif deed is Deed.TELL:
            self.notifier.tell(due(now))
        elif deed is Deed.RELEASE:
            self.before = replace(self.before, tried=now.at)
            return self._release(one, now)
        elif deed is Deed.GONE:
            return self._gone(one, now)
        return False

    def _fetch(self, now: Standing) -> None:
        try:
            found = self.save()
        except SwarmctlError as e:
            if 0 <= now.left <= _SOON:
                self._happened(now, "unsaved", f"its results cannot be fetched, and it ends soon: {e.message}")
            return
        if found != self._saved:
            self.say(f"{found} results are safe here")
        self._saved = found

    def _release(self, one: Watched, now: Standing) -> bool:
        self.say(f"machine {one.lease}: its time is over by its {now.by}, and it did not end by itself")
        try:
            self.market.release(one.lease)
        except LeakError as e:
            self._happened(now, "leak", f"it MAY STILL BILL: {e.message}; {e.hint}")
            return False
        except SwarmctlError as e:
            self.say(f"machine {one.lease} cannot be given back now: {e.message}")
            return False
        return self._over(one, now)

    def _gone(self, one: Watched, now: Standing) -> bool:
        """The listing has to agree before it is believed."""
        return self.market.look(one.lease, thorough=True) is Result.GONE and self._over(one, now)

    def _over(self, one: Watched, now: Standing) -> bool:
        with suppress(HostError):
            self.book.released(one.lease)
        spent = "" if now.spent is None else f", after about {dollars(now.spent)}"
        self._happened(now, "released", f"it is gone{spent}")
        return True

    def _happened(self, now: Standing, kind: str, text: str) -> None:
        self.notifier.tell([event(now, kind, text)])

    def _there(self, one: Watched) -> There:
        try:
            lease = self.market.lease(one.lease)
        except UnknownError:
            return "unknown"
        except SwarmctlError as e:
            self.say(f"the market does not say what is held: {e.message}")
            return "unknown"
        if lease is None:
            return "gone"
        self._lease = lease
        with suppress(HostError):
            self.book.saw(lease)
        return "there"

    def _standing(self, one: Watched) -> Standing:
        """Its label says when it ends, as long as that can be read."""
        now, lease = self.clock.now().timestamp(), self._lease
        label = lease.label if lease else None
        expires = label.expires if label else one.expires
        budget = Decimal(one.budget) if one.budget else None
        with suppress(HostError):
            budget = (self.book.meter.budget(label.nonce) if label else None) or budget
        spent = rate = None
        if lease is not None:
            began, rate = since(lease, now), lease.hourly.known
            spent = None if began is None else burned(lease.hourly, now - began)
        left, by = _FAR, "ttl"
        with suppress(ValueError):
            ends, by = when_it_ends(expires, budget, rate, now, spent or Decimal(0))
            left = ends - now
        return Standing(one.swarm, one.lease, now, expires, left, by, spent, budget)
