"""The market's state in memory and in its file, and the passage of time over it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from swarmctl.market import contract as contracts
from swarmctl.market import faults, life
from swarmctl.market.account import Account, Key, SshKey
from swarmctl.market.billing import exhausted, owed
from swarmctl.market.catalogue import ASSUMPTIONS
from swarmctl.market.clock import Clock
from swarmctl.market.contract import Contract
from swarmctl.market.draw import Draw, token
from swarmctl.market.faults import Rule
from swarmctl.market.money import units
from swarmctl.market.offers import Offer, shop
from swarmctl.market.store import Store
from swarmctl.market.wire import Json

HOUR = 3_600_000
FIRST = 20_000_000
"""Numbers of rentals come after it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a market is. credit: dollars at the start. pace: by what phases of a start are longer than usual.

    limits: whether calls must keep their distance. assume: answers to what only the real market can tell.
    """

    seed: int = 1
    machines: int = 300
    credit: float = 100.0
    pace: float = 1.0
    limits: bool = True
    assume: dict[str, str] = field(default_factory=dict)


class World:
    """Everything below the protocol. Raises ValueError for a file of another seed, or assumptions that are none."""

    def __init__(self, clock: Clock, store: Store, settings: Settings) -> None:
        self.clock, self.store, self.settings = clock, store, settings
        self.assume = assumed(settings.assume)
        self.shop = shop(settings.seed, settings.machines)
        self.contracts: dict[int, Contract] = {}
        self.awake: set[int] = set()
        self.rules: list[Rule] = []
        self.free_port: Callable[[], int] | None = None
        self.address: str | None = None
        self.read_output: Callable[[int], str] | None = None
        self.logs: dict[str, Json] = {}
        self.searches: dict[str, list[Offer]] = {}
        self._load()

    @property
    def key(self) -> str:
        """The account's own key."""
        return token(self.settings.seed, "account")

    @property
    def control_key(self) -> str:
        """What opens the control surface, and nothing else."""
        return token(self.settings.seed, "control")

    def now(self) -> int:
        """The time in ms."""
        return round(self.clock.now() * 1000)

    def draw(self, *words: object) -> Draw:
        """Chance for a purpose."""
        return Draw(self.settings.seed, *words)

    @contextmanager
    def turn(self) -> Iterator[int]:
        """The time, with everything settled up to it; what is changed meanwhile is kept as a whole."""
        self.store.begin()
        try:
            now = self.now()
            self.settle(now)
            yield now
            self.store.commit()
        finally:
            self.store.rollback()

    def next_id(self) -> int:
        """One that was never given."""
        self.account.last += 1
        self.keep_account()
        return self.account.last

    def keep(self, contract: Contract) -> None:
        """Writes a contract down; from here on time passes for it."""
        self.contracts[contract.id] = contract
        self.awake.add(contract.id)
        self.store.put("contract", contract.id, contract.dump())

    def keep_account(self) -> None:
        """Writes the account down."""
        self.store.put("account", 0, self.account.dump())

    def keep_key(self, key: Key) -> None:
        """Writes a key down."""
        self.keys[key.key] = key
        self.store.put("key", key.id, key.dump())

    def strike(self, name: str, operation: str, machine: int | None = None, contract: int | None = None) -> Rule | None:
        """The rule by which a fault strikes here, if one does."""
        for place, rule in enumerate(self.rules):
            if rule.name == name and rule.concerns(operation, machine, contract):
                hit = rule.strikes(self.settings.seed, place)
                self.store.put("rule", place, rule.dump())
                if hit:
                    self.store.log(self.now(), "fault", {"name": name, "on": operation, "contract": contract})
                    return rule
        return None

    def set_rules(self, spec: str) -> None:
        """Other faults from now on; the same text keeps its counts. Raises ValueError."""
        rules = faults.parse(spec)
        if [rule.text for rule in rules] == [rule.text for rule in self.rules]:
            return
        for place in range(len(self.rules)):
            self.store.drop("rule", place)
        self.rules = rules
        for place, rule in enumerate(rules):
            self.store.put("rule", place, rule.dump())

    def moved(self, contract: Contract, now: int, down: int, up: int) -> None:
        """Bytes that an instance has moved; those of an hour are one entry."""
        last = contract.traffic[-1] if contract.traffic else (0, 0, 0)
        if last[0] // HOUR == now // HOUR:
            contract.traffic[-1] = (last[0], last[1] + down, last[2] + up)
        else:
            contract.traffic.append((now, down, up))
        self.keep(contract)

    def free(self, machine: int, now: int) -> int:
        """GPUs of a machine that no rental of ours holds."""
        held = [self.contracts[one] for one in self.awake]
        return self.shop.gpus[machine] - sum(one.gpus for one in held if one.machine == machine and one.works(now))

    def rentable(self, offer: Offer, now: int) -> bool:
        """Whether it can be had."""
        return self.account.taken.get(str(offer.id), 0) <= now and self.free(offer.machine, now) >= offer.gpus

    def spent(self, now: int) -> int:
        """Units that everything has cost until then."""
        return self.account.settled + sum(owed(self.contracts[one], now).total for one in self.awake)

    def left(self, now: int) -> int:
        """Units of credit."""
        return self.account.credit - self.spent(now)

    def settle(self, now: int) -> None:
        """Lets everything happen that was to happen until now, in its order."""
        while self.awake:
            due = min(((one.agenda[0][0], one.id) for one in self._awake() if one.agenda), default=(now + 1, 0))
            until = min(due[0], now)
            if not self.account.broke and self.left(until) <= 0:
                self._run_dry(until)
            elif due[0] <= now:
                contract = self.contracts[due[1]]
                when, what = contract.agenda.pop(0)
                life.befall(self, contract, when, what)
                self.keep(contract)
            else:
                break
        for contract in self._awake():
            if not contract.agenda and not contract.lives(now):
                self.account.settled += owed(contract, now).total
                contract.settled = True
                self.keep(contract)
                self.awake.discard(contract.id)
                self.keep_account()

    def _awake(self) -> list[Contract]:
        return [self.contracts[one] for one in sorted(self.awake)]

    def _run_dry(self, until: int) -> None:
        when = exhausted(self._awake(), self.account.credit - self.account.settled, self.account.opened, until)
        self.account.broke = max(when, 1)
        self.keep_account()
        self.store.log(when, "credit", {"left": 0})
        for contract in self._awake():
            life.run_dry(self, contract, when)
            self.keep(contract)

    def _load(self) -> None:
        self.store.begin()
        kept = dict(self.store.all("seed"))
        wanted = {"seed": self.settings.seed, "machines": self.settings.machines}
        if kept and kept[0] != wanted:
            told = f"seed {kept[0]['seed']} and {kept[0]['machines']} machines"
            self.store.rollback()
            raise ValueError(f"the state file is of a market with {told}; give those, or another file")
        self.store.put("seed", 0, wanted)
        found = dict(self.store.all("account"))
        fresh = Account(units(self.settings.credit), self.now(), last=FIRST)
        self.account = Account(**found[0]) if found else fresh
        self.contracts = {id_: contracts.load(kept) for id_, kept in self.store.all("contract")}
        self.rules = [faults.load(kept) for _, kept in self.store.all("rule")]
        self.keys = {key.key: key for key in (Key(**kept) for _, kept in self.store.all("key"))}
        self.ssh = {id_: SshKey(**kept) for id_, kept in self.store.all("ssh")}
        self.awake = {one.id for one in self.contracts.values() if not one.settled}
        if self.key not in self.keys:
            self.keep_key(Key(1, self.key, "account", self.now()))
        self.keep_account()
        self.store.commit()


def assumed(given: dict[str, str]) -> dict[str, str]:
    """All assumptions, with those given put in. Raises ValueError."""
    found = {one.name: one.values[0] for one in ASSUMPTIONS}
    known = {one.name: one.values for one in ASSUMPTIONS}
    for name, value in given.items():
        if value not in known.get(name, ()):
            there = "; ".join(f"{one}={'|'.join(values)}" for one, values in known.items())
            raise ValueError(f"{name}={value} is no assumption; there are {there}")
        found[name] = value
    return found
