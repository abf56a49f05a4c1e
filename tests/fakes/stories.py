"""A rental from first to last in one process: market, time, crashes and faults all follow from one seed."""

import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from fakes.hired import NEED, order
from fakes.simulated import START, InProcess, simulation
from swarmctl.commands.reap import reap
from swarmctl.core.leasing.burn import burned, since
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.limits import Act, Facts, Terms, decide
from swarmctl.core.leasing.ranking import rank
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.transport import Answer
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
BOUND = Decimal("0.02")
"""$ that may be spent past a budget: the seconds between two looks, and until a deletion is heard."""


class CrashError(BaseException):
    """The process is killed: no handler of ours can do anything any more."""


@dataclass
class Fuse:
    """Kills the process at its n-th effect, before or after it. at: None for never."""

    at: int | None
    after: bool
    seen: int = 0
    dead: bool = False

    def burn(self, *, after: bool) -> None:
        if self.dead:
            raise CrashError
        if after is self.after:
            self.seen += 1
            if self.seen == self.at:
                self.dead = True
                raise CrashError


@dataclass
class Fragile:
    """Anything whose methods are effects: each may be the last."""

    inner: Any
    fuse: Fuse

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.inner, name)
        if not callable(act):
            return act

        def effect(*args: Any, **kwargs: Any) -> Any:
            self.fuse.burn(after=False)
            result = act(*args, **kwargs)
            self.fuse.burn(after=True)
            return result

        return effect


@dataclass
class FragileTransport:
    """The same for calls to the market."""

    inner: InProcess
    fuse: Fuse
    key: Any = None

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        self.fuse.burn(after=False)
        got = self.inner.send(method, path, query, body)
        self.fuse.burn(after=True)
        return got


@dataclass
class Outcome:
    """What a story came to. leaked: contracts of ours that bill after the last reap. doubles: machines beyond one
    that were held when renting said that it had one. over: $ spent beyond the budget. hours: of the market's time.
    """

    seed: int
    faults: str
    crash: str
    leaked: list[int] = field(default_factory=list)
    doubles: int = 0
    over: Decimal = Decimal(0)
    touched: bool = False
    hours: float = 0.0
    log: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.leaked or self.doubles or self.over > BOUND or self.touched)


class Story:
    """One user who rents, works, and gives back; who may crash, lose the ledger and start again."""

    def __init__(self, seed: int, folder: Path, faults: str | None = None, crash: int | None = -1) -> None:
        """faults: None for some of the seed's choice. crash: the effect that is the last, -1 for the seed's choice."""
        rng = random.Random(seed)
        names = rng.sample(FAULTS, rng.choice((0, 1, 1, 2)))
        self.faults = ",".join(n + ("" if ":" in n else rng.choice(HOW)) for n in names) if faults is None else faults
        fuse = rng.choice((None, rng.randint(1, 60), rng.randint(1, 25))) if crash == -1 else crash
        self.fuse = Fuse(fuse, rng.random() < 0.5)
        self.rng, self.folder = rng, folder
        self.sim = simulation("", seed=1 + seed % 5, machines=60)
        self.outcome = Outcome(seed, self.faults, f"{fuse}{' after' if self.fuse.after else ' before'}")
        self.nonces = iter(f"{n:08x}" for n in range(1, 10**6))
        self.budget = Decimal(str(rng.choice((0.25, 0.5, 2))))

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
                self.fuse = Fuse(None, after=False)
                if self.rng.random() < 0.2 and not self._blind():
                    shutil.rmtree(self.folder, ignore_errors=True)
                    self._tell("lost the ledger")
            except SwarmctlError as e:
                self._tell(f"{type(e).__name__}: {e.message}")
                self.sim.time.sleep(600)
        self._last_word(other)
        self.outcome.hours = (self.sim.time.monotonic() - START) / 3600
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
        choice = rank(NEED, mine.offers(NEED).offers).choices[0]
        body = {
            "client_id": "me",
            "image": "docker.io/library/debian:12",
            "disk": 20,
            "label": "swarmctl-like",
            "env": {},
        }
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
        expires = int(self.sim.time.now().timestamp()) + 4 * 3600
        hiring.settle("seven")
        lease = hiring.adopt("seven", me)
        if lease is not None:
            self._tell(f"adopts {lease.id}")
        else:
            choices = rank(NEED, provider.offers(NEED).offers).choices
            lease = hiring.hire(Wish("seven", me, expires), choices, order).lease
        ours = [one for one in self._living() if one["label"] is None or "/seven/" in one["label"]]
        crashed = any(line.endswith(" crash") for line in self.outcome.log)
        if not (crashed and self._blind()):  # what a lost call rented, and the market hides, nobody can know of
            self.outcome.doubles = max(self.outcome.doubles, len(ours) - 1)
        self._tell(f"holds {lease.id}")
        expires = lease.label.expires if lease.label else expires
        self._work(lease, Terms(expires, self.budget), provider)

    def _me(self) -> str:
        """The owner's nonce, drawn by the seed where the folder has none."""
        file = self.folder / "owner"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{self.rng.getrandbits(64):016x}")
        return owner(self.folder)

    def _work(self, lease: Lease, terms: Terms, provider: Any) -> None:
        """The guard's loop: one look every tick, until it says that the machine must go."""
        began = since(lease, self.sim.time.monotonic()) or self.sim.time.monotonic()
        last_use = self.sim.time.now().timestamp()
        hours = self.rng.choice((0.1, 1.0, 9.0))
        while True:
            now = self.sim.time.now().timestamp()
            held = self.sim.time.monotonic() - began
            if held < hours * 3600:
                last_use = now
            spent = burned(lease.hourly, held + 30) or Decimal(0)
            decision = decide(terms, Facts(now, spent, lease.hourly.known or Decimal(9), last_use))
            if decision.act in {Act.DESTROY, Act.STOP}:
                self._tell(f"ends by {decision.cause}")
                break
            self.sim.time.sleep(terms.tick)
        before = self._spent(lease.id)
        provider.release(lease.id)
        self.outcome.over = max(self.outcome.over, self._spent(lease.id) - self.budget, before - self.budget)

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
        self.sim.time.sleep(5 * 3600)
        self.fuse = Fuse(None, after=False)
        reap(self._world(), approve=lambda _: True, provider=self._provider())
        self.outcome.leaked = [one["id"] for one in self._living()]
        self.outcome.touched = other not in [one["id"] for one in self.sim.market.books()["contracts"] if one["lives"]]
