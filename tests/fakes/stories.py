"""A rental from first to last in one process: market, time, crashes and faults all follow from one seed."""

import random
import shutil
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from fakes.crashing import CrashError, Fragile, FragileTransport, Fuse
from fakes.hired import NEED, order
from fakes.simulated import START, simulation
from fakes.storyguard import StoryGuard
from swarmctl.commands.reap import reap
from swarmctl.core.leasing.burn import since
from swarmctl.core.leasing.guardfile import allowed, guard_file
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.limits import Terms
from swarmctl.core.leasing.ranking import rank
from swarmctl.core.leasing.watching import EVERY
from swarmctl.effects.hosts.watching import Watched, Watcher
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.notifying import Notifier, Notify
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.waiting import NoUseError, await_running
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

FAULTS = (
    "reset-before-accept", "reset-after-accept", "502-after-accept", "503-before-accept", "plain-429", "slow-answer",
    "garbage-json", "html-instead-of-json", "success-false-200", "bad-key-as-404", "session-expired", "forbidden",
    "offer-gone-404", "offer-gone-410", "error-with-contract", "insufficient-credit", "spend-rate-limit",
    "no-ssh-key-for-vm", "no-instance-key", "price-changed", "label-lost", "starts-stopped", "stuck-loading",
    "slow-loading", "oci-error", "exited-at-once", "host-gone", "host-blinks", "ssh-refused", "ports-late", "outbid",
    "ends-early", "gpu-taken", "stop-ignored", "listing-error", "empty-listing", "duplicate-listing-page",
    "listing-late", "null-instance", "missing-fields", "clock-skew", "search-quota", "search-misfilter", "search-stale",
    "destroy-lies:times=3", "destroy-5xx-then-ok:times=3", "destroy-slow", "machine-comes-back", "credit-spent",
    "charges-late",
)  # fmt: skip
HOW = ("", ":once", ":times=2", ":rate=0.3")
TICK = 15
"""Seconds between two rounds of a guard."""
RETURNS = 120.0
"""Seconds within which a machine that comes back is found by its guard: it starts with the machine."""
SELDOM = 900.0
"""Seconds between two looks of the watcher while nothing is near: it would find nothing, and takes our time."""
FAR = 4 * 3600.0
"""Seconds that a month's story goes on at once at most, where nothing would be decided meanwhile."""
NEAR = 600.0
"""Seconds; where less than three times that are left to a limit, every round is told."""
HOUR = 3600


@dataclass
class Outcome:
    """What a story came to. leaked: contracts of ours that bill after the last reap. doubles: machines beyond one
    that were held when renting said that it had one. over: $ spent beyond the budget. hours: of the market's time.
    rented: hours for which machines of ours were paid.
    """

    seed: int
    faults: str
    crash: str
    leaked: list[int] = field(default_factory=list)
    doubles: int = 0
    over: Decimal = Decimal(0)
    touched: bool = False
    hours: float = 0.0
    rented: float = 0.0
    log: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.leaked or self.doubles or self.over > 0 or self.touched)


class Story:
    """One user who rents, works, and gives back; who may crash, lose the ledger and start again."""

    def __init__(
        self, seed: int, folder: Path, faults: str | None = None, crash: int | None = -1, *, month: bool = False
    ) -> None:
        """faults: None for some of the seed's choice. crash: the effect that is the last, -1 for the seed's choice.

        month: it is rented for thirty days, not for four hours, with money for that.
        """
        rng = random.Random(seed)
        names = rng.sample(FAULTS, rng.choice((0, 1, 1, 2)))
        self.faults = ",".join(n + ("" if ":" in n else rng.choice(HOW)) for n in names) if faults is None else faults
        fuse = rng.choice((None, rng.randint(1, 60), rng.randint(1, 25))) if crash == -1 else crash
        self.fuse = Fuse(fuse, rng.random() < 0.5)
        self.rng, self.folder = rng, folder
        self.month, self.lasts = month, (30 * 24 if month else 4) * HOUR
        self.need = replace(NEED, duration=self.lasts + 2 * 24 * HOUR) if month else NEED
        self.sim = simulation("", seed=1 + seed % 5, machines=200 if month else 60, credit=5000.0 if month else 100.0)
        self.outcome = Outcome(seed, self.faults, f"{fuse}{' after' if self.fuse.after else ' before'}")
        self.nonces = iter(f"{n:08x}" for n in range(1, 10**6))
        self.guards: dict[str, StoryGuard] = {}
        self.asked, self.ran, self.running = 0.0, 0.0, list[str]()
        self.budget = Decimal(str(rng.choice((20, 200, 2000) if month else (0.25, 0.5, 2))))

    def run(self) -> Outcome:
        """The whole story, and what the market's own books say in the end."""
        other = self._others_machine()
        with self.sim.market.world.turn():
            self.sim.market.world.set_rules(self.faults)
        for _ in range(3):
            try:
                self._rent_work_and_give_back()
                break
            except CrashError:
                self._tell("crash")
                self._pass(self.rng.choice((0, 600, 7200)))
                self.fuse = Fuse(None, after=False)
                if self.rng.random() < 0.2 and not self._blind():
                    shutil.rmtree(self.folder, ignore_errors=True)
                    self._tell("lost the ledger")
            except SwarmctlError as e:
                self._tell(f"{type(e).__name__}: {e.message}")
                self._pass(600)
        self._last_word(other)
        self.outcome.over = max(Decimal(0), self._overspent())
        self.outcome.hours = (self.sim.time.monotonic() - START) / HOUR
        ours = [one for one in self.sim.market.books()["contracts"] if one["id"] != other]
        self.outcome.rented = sum(one["billed_seconds"] for one in ours) / HOUR
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.outcome

    def _blind(self) -> bool:
        """The market does not list what is held: without a ledger nobody could know better."""
        return any(name.startswith(("empty-listing", "listing-late")) for name in self.faults.split(","))

    def _tell(self, line: str) -> None:
        self.outcome.log.append(f"{self.sim.time.monotonic():.0f} {line}")

    def _others_machine(self) -> int:
        """Somebody else's machine in the same account, with a label of their own."""
        mine = vast_over(self.sim.transport, None, self.sim.time)
        long = replace(self.need, duration=2 * self.need.duration)  # no end of the market's takes it away meanwhile
        choice = rank(long, mine.offers(long).offers).choices[0]
        image = "docker.io/library/debian:12"
        body = {"client_id": "me", "image": image, "disk": 20, "label": "swarmctl-like", "env": {}}
        got = self.sim.transport.send("PUT", f"/api/v0/asks/{choice.offer.id}/", {}, body)
        assert got.status == 200, got
        self.sim.time.sleep(60)
        return self.sim.billing()[0]

    def _world(self) -> World:
        time = Fragile(self.sim.time, self.fuse)
        return World(time, Ledger(self.folder / "ledger.sqlite", time), ModelStore(self.folder / "models"), self.folder)

    def _provider(self) -> Any:
        transport = FragileTransport(self.sim.transport, self.fuse)
        return vast_over(transport, None, Fragile(self.sim.time, Fuse(None, after=False)))

    def _hiring(self) -> Hiring:
        book = Fragile(LeaseBook(self.folder / "ledger.sqlite", self.sim.time), self.fuse)
        return Hiring(self._provider(), book, self.sim.time, self._tell, lambda: next(self.nonces))

    def _rent_work_and_give_back(self) -> None:
        provider, hiring = self._provider(), self._hiring()
        me = self._me()
        expires = int(self.sim.time.now().timestamp()) + self.lasts
        hiring.settle("seven")
        lease = hiring.adopt("seven", me)
        key = None if lease is None else LeaseBook(self.folder / "ledger.sqlite", self.sim.time).key(lease.id)
        if lease is not None:
            self._tell(f"adopts {lease.id}")
        else:
            choices = rank(self.need, provider.offers(self.need).offers).choices
            got = hiring.hire(Wish("seven", me, expires), choices, order)
            lease, key = got.lease, got.key
        ours = [one for one in self._living() if one["label"] is None or "/seven/" in one["label"]]
        crashed = any(line.endswith(" crash") for line in self.outcome.log)
        if not (crashed and self._blind()):  # what a lost call rented, and the market hides, nobody can know of
            self.outcome.doubles = max(self.outcome.doubles, len(ours) - 1)
        self._tell(f"holds {lease.id}")
        expires = lease.label.expires if lease.label else expires
        try:
            lease = await_running(provider, lease.id, self.sim.time)
        except NoUseError as e:
            self._tell(e.message)
            provider.release(lease.id)
            return
        self._guard(lease, expires, key)
        self._work(lease, expires, provider)

    def _me(self) -> str:
        """The owner's nonce, drawn by the seed where the folder has none."""
        file = self.folder / "owner"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{self.rng.getrandbits(64):016x}")
        return owner(self.folder)

    def _guard(self, lease: Lease, expires: int, key: Secret | None) -> None:
        """`up` arms it as soon as the machine lets it in, by the machine's own key; it does not die with its user."""
        if lease.id not in self.guards and key is not None and lease.hourly.known is not None:
            began = int(since(lease, self.sim.time.monotonic()) or self.sim.time.monotonic())
            if self._spent(lease.id) > self.budget * Decimal("0.9"):
                return  # it ran for that long without anybody: no guard can make that good
            terms = Terms(expires, began, budget=allowed(self.budget))
            told = guard_file("http://market", lease.id, lease.hourly, terms)
            self.guards[lease.id], self.asked = StoryGuard(self.sim, told, key.reveal()), 0.0

    def _work(self, lease: Lease, expires: int, provider: Any) -> None:
        """Somebody works for some hours and forgets it, while the guard there and the watcher here look."""
        book = Fragile(LeaseBook(self.folder / "ledger.sqlite", self.sim.time), self.fuse)
        one = Watched("seven", lease.id, expires, str(self.budget))
        notifier = Notifier(Notify(), self.folder / "told.json", lambda _: None)
        watcher = Watcher(provider, book, self.sim.time, lambda: 0, notifier, self._tell)
        hours = self.rng.choice((10.0, 300.0, 800.0) if self.month else (0.1, 1.0, 9.0))
        begun, looked = self.sim.time.monotonic(), 0.0
        while True:
            now = self.sim.time.monotonic()
            if now < begun + hours * 3600 and lease.id in self.guards:
                self.guards[lease.id].disk.used += 1
            ahead = self._ahead(lease, expires, begun + hours * HOUR)
            self._pass(max(TICK, ahead), at_once=bool(ahead))
            near = not ahead and (lease.id not in self.guards or bool(self.guards[lease.id].ending))
            if now >= looked + (EVERY if near else SELDOM):
                looked = now
                if watcher.look(one):
                    return

    def _pass(self, seconds: float, *, at_once: bool = False) -> None:
        """Time goes by, and every machine's guard looks as its timer says, whoever else has died; or once (at_once)."""
        end = self.sim.time.monotonic() + seconds
        while (left := end - self.sim.time.monotonic()) > 0:
            self.sim.time.sleep(left if at_once else min(self._step(), left))
            for id_ in self._guarded():
                before = self.guards[id_].ending
                why = self.guards[id_].round()[1]
                if self.guards[id_].ending != before:
                    self._tell(f"the guard of {id_} ends it by {why}")

    def _step(self) -> float:
        """Seconds until a guard looks again."""
        if self._guarded() or self._lately():
            return TICK
        return RETURNS if not self.month or self._lately(2 * HOUR) else FAR

    def _ahead(self, lease: Lease, expires: int, works: float) -> float:
        """Seconds that a month's story may go on at once: a third of the way to the nearest limit; 0 where one is near.

        Limits are its end, that of its money, that of the work, and what befalls new machines. works: until then.
        """
        now, hourly = self.sim.time.monotonic(), lease.hourly.known
        ending = lease.id in self.guards and self.guards[lease.id].ending
        if not self.month or ending or now < START + 4 * HOUR or not hourly:
            return 0.0
        paid = float((Decimal(allowed(self.budget)) / 10**6 - self._spent(lease.id)) / hourly) * HOUR
        ahead = min(expires - now, paid, *((works - now,) if lease.id in self.guards else ())) / 3
        return min(ahead, FAR) if ahead > NEAR else 0.0

    def _lately(self, seconds: float = 600) -> bool:
        """A machine ran within ten minutes, and may come back: its guard then starts with it."""
        return self.sim.time.monotonic() < self.ran + seconds

    def _guarded(self) -> list[str]:
        """Machines that run, and so does their guard; as they were within the last minute, or just now near an end."""
        now = self.sim.time.monotonic()
        ending = any(guard.ending for guard in self.guards.values())
        if self.guards and now >= self.asked + (TICK if ending and self._lately() else 60):
            told = self.sim.market.books()["contracts"]
            up = [id_ for one in told if one["state"] == "running" and (id_ := str(one["id"])) in self.guards]
            for id_ in set(up) - set(self.running):
                self.guards[id_].hours.starts += 1
            self.asked, self.running, self.ran = now, up, now if up else self.ran
        return self.running

    def _overspent(self) -> Decimal:
        """What the dearest of the machines that had a guard has cost beyond its budget."""
        return max((self._spent(id_) - self.budget for id_ in self.guards), default=Decimal(0))

    def _spent(self, id_: str) -> Decimal:
        found = next(one for one in self.sim.market.books()["contracts"] if one["id"] == int(id_))
        return Decimal(found["spent"])

    def _living(self) -> list[dict[str, Any]]:
        books = self.sim.market.books()
        return [c for c in books["contracts"] if c["id"] in books["billing"] and c["label"] != "swarmctl-like"]

    def _last_word(self, other: int) -> None:
        """The faults end, the time of every label passes, and `reap` has the right key."""
        with self.sim.market.world.turn():
            self.sim.market.world.set_rules("")
        self._pass(self.lasts + HOUR)
        self.fuse = Fuse(None, after=False)
        reap(self._world(), approve=lambda _: True, provider=self._provider())
        self.outcome.leaked = [one["id"] for one in self._living()]
        acts = {"label", "state", "destroy"}  # an account without credit loses it to the market itself
        events = self.sim.market.events()
        self.outcome.touched = any(one["what"] in acts and one["contract"] == other for one in events)
