"""What a swarm would take of one machine, at what speed and price: decided before anything is had."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

from swarmctl.core.engines.environment import PORT, ollama_environment
from swarmctl.core.fit import Fit, measured
from swarmctl.core.hardware.box import Box
from swarmctl.core.hardware.match import box as box_of
from swarmctl.core.hardware.profile import HardwareProfile
from swarmctl.core.memory.need import Part
from swarmctl.core.placement.demand import Demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement, Process, Refusal, Refused, Way
from swarmctl.core.plan import Step, Verb
from swarmctl.core.price.arrival import Arrival, Freight, Link
from swarmctl.core.price.arrival import arrivals as arrive
from swarmctl.core.price.bill import Bill, bill
from swarmctl.core.price.buying import Purchase, break_even
from swarmctl.core.price.rate import STORAGE, Rate
from swarmctl.core.sharing.layout import base_of, edits_of
from swarmctl.core.units import as_size

SLOT = "slot-0"
LINE = 500.0
"""Mbit/s that a rented machine is assumed to fetch with where no offer says it."""
_LATER = {"stopped-disk": "from the second time on", "own-registry": "if you have one with these files in it"}
"""Ways that a first rental cannot go."""


@dataclass(frozen=True, slots=True)
class Bought:
    """A card of one's own instead: $ of all cards, new or used, and the months of 8 h/day after which it is cheaper."""

    kind: str
    price: Decimal
    months: Decimal | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The answer for one box.

    refusals: why nothing of it would be done; ways: what was tried and would fit. Then there is no placement.
    settings: variables of the engine that follow from the placement, per card.
    bill, arrivals, bought: None and empty where the machine has no price.
    """

    swarm: str
    box: Box
    fit: Fit | None = None
    refusals: tuple[Refusal, ...] = ()
    ways: tuple[Way, ...] = ()
    settings: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    bill: Bill | None = None
    arrivals: tuple[Arrival, ...] = ()
    bought: tuple[Bought, ...] = ()
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def placement(self) -> Placement | None:
        """Where everything would run; None where it does not fit."""
        return self.fit.placement if self.fit else None


def forecast(
    asked: Demand,
    box: Box,
    profile: HardwareProfile | None = None,
    *,
    allow_swapping: bool = False,
    others: Sequence[Box] = (),
) -> Forecast:
    """Place a swarm on a box, and say how fast it would be and what it would cost.

    profile: of the box's cards; its rent on the market is the price. Without one, the machine has no price.
    others: machines to name where it does not fit, the preferred first.
    """
    placed = place(asked, box, allow_swapping=allow_swapping, others=others)
    said = box.notes
    if isinstance(placed, Refused):
        return Forecast(asked.spec.name, box, refusals=placed.refusals, ways=placed.ways, notes=said)
    fit = measured(placed, box)
    steps, settings = tuple(_steps(asked, placed)), _settings(asked, placed)
    said = (*said, *_unknown_speeds(fit), *placed.notes)
    if profile is None or profile.rent is None:
        return Forecast(asked.spec.name, box, fit, settings=settings, steps=steps, notes=said)
    rate = Rate(profile.rent.median * len(box.cards), STORAGE, fit.disk)
    found = arrive(_freight(asked, placed, fit), rate, Link(LINE, box.cores))
    arrivals = tuple(sorted((_first(way) for way in found), key=lambda way: bool(way.obstacle)))
    priced = bill(placed, rate, fit.speeds, arrivals)
    bought = tuple(_bought(profile, len(box.cards), rate.hourly))
    return Forecast(
        asked.spec.name,
        box,
        fit,
        settings=settings,
        bill=priced,
        arrivals=arrivals,
        bought=bought,
        steps=steps,
        notes=said,
    )


def _settings(asked: Demand, placed: Placement) -> dict[int, Mapping[str, str]]:
    """Variables of each card's server, where one server holds all models of a card."""
    if asked.engine.kind != "ollama":
        return {}
    found = {}
    for gpu, most in placed.max_loaded.items():
        here = [process for process in placed.processes if process.gpu == gpu]
        ages = [age for p in here for model in p.models if (age := placed.keep_alive.get(model, -1)) >= 0]
        found[gpu] = ollama_environment(asked.engine, here, most, min(ages, default=-1), port=PORT + gpu)
    return found


def cheapest(profiles: Iterable[HardwareProfile]) -> list[Box]:
    """One machine of each card that can be rented, the cheapest first: other machines to name."""
    priced = [(p.rent.median, p.name, p) for p in profiles if p.rent is not None]
    return [box_of(profile) for _, _, profile in sorted(priced, key=lambda entry: entry[:2])]


def _first(way: Arrival) -> Arrival:
    return way if way.obstacle else replace(way, obstacle=_LATER.get(way.name, ""))


def _freight(asked: Demand, placed: Placement, fit: Fit) -> Freight:
    models = {base_of(p): p for p in placed.processes}
    # An edit is published whole, whatever becomes of it.
    published = sum(2 * p.weights.parameters * (1 + len(edits_of(p))) for p in models.values()) / 1e9
    names = [*models, *(edit for p in models.values() for edit in edits_of(p))]
    ready = all(asked.spec.models[name].file is not None for name in names)
    return Freight(fit.files, published, ready)


def _bought(profile: HardwareProfile, count: int, hourly: Decimal) -> Iterator[Bought]:
    for kind, price in (("new", profile.price.new), ("used", profile.price.used)):
        if price is not None:
            yield Bought(kind, price * count, break_even(Purchase(price * count, profile.watts * count), hourly))


def _unknown_speeds(fit: Fit) -> Iterator[str]:
    yield from dict.fromkeys(
        f"speed of {name}: {speed.basis}" for name, speed in fit.speeds.items() if speed.single is None
    )


def _steps(asked: Demand, placed: Placement) -> Iterator[Step]:
    """What `up` would do on a machine that has nothing yet."""
    yield Step(Verb.PREPARE, SLOT, "host", "driver, engine, agents' packages")
    order = {name: n for n, name in enumerate(placed.load_order)}
    processes = sorted(placed.processes, key=lambda p: order.get(p.name, len(order)))
    for process in processes:
        model, size = base_of(process), as_size(process.weights.total / 2**20)
        yield Step(Verb.LOAD, SLOT, model, f"{process.weights.quant}, {size}, from {asked.spec.models[model].key}")
        for edit in edits_of(process):
            yield Step(Verb.LOAD, SLOT, edit, f"folded into {model}, from {asked.spec.models[edit].key}")
    for process in processes:
        where = f"{SLOT}/{'cpu' if process.gpu is None else f'gpu{process.gpu}'}"
        slots = f"{process.serving.parallel} × {process.serving.context} tokens"
        yield Step(Verb.DEPLOY, where, process.name, f"{slots}, KV {process.serving.kv}")
    for process in processes:
        where = f"{SLOT}/{'cpu' if process.gpu is None else f'gpu{process.gpu}'}"
        through = f"the gateway before {process.name}" if edits_of(process) else process.name
        for role in process.roles:
            yield Step(Verb.DEPLOY, where, f"agent-{role}", f"talks to {through}")
    yield Step(Verb.CHECK, SLOT, "all proofs", "after everything runs")


def as_json(found: Forecast) -> dict[str, Any]:
    """The value as JSON objects and lists; money as text, since binary fractions cannot hold it."""
    placed, bill = found.placement, found.bill
    return {
        "schema": "swarmctl/forecast/v1",
        "swarm": found.swarm,
        "machine": {
            "name": found.box.name,
            "cards": [{"name": c.name, "memory_mib": c.memory, "usable_mib": c.usable} for c in found.box.cards],
            "ram_mib": found.box.ram,
            "cores": found.box.cores,
        },
        "fits": placed is not None,
        "architecture": placed.architecture if placed else None,
        "processes": [_process(found, p) for p in placed.processes] if placed else [],
        "cards_mib": [round(placed.on(n).total, 1) for n in range(len(found.box.cards))] if placed else [],
        "host_mib": round(placed.on(None).total, 1) if placed else None,
        "max_loaded": {str(gpu): count for gpu, count in placed.max_loaded.items()} if placed else {},
        "load_order": list(placed.load_order) if placed else [],
        "keep_alive": dict(placed.keep_alive) if placed else {},
        "settings": {f"gpu{gpu}": dict(values) for gpu, values in found.settings.items()},
        "gave": [asdict(one) for one in placed.gave] if placed else [],
        "swapping": asdict(placed.swapping) if placed and placed.swapping else None,
        "refusals": [asdict(one) for one in found.refusals],
        "ways_out": [asdict(way) for way in found.ways],
        "price": None if bill is None else _plain(asdict(bill)),
        "arrivals": [_plain(asdict(way)) for way in found.arrivals],
        "bought": [_plain(asdict(own)) for own in found.bought],
        "steps": [{"n": n, "verb": s.verb.value, "where": s.where, "subject": s.subject, "cause": s.cause}
                  for n, s in enumerate(found.steps, 1)],
        "notes": list(found.notes),
    }  # fmt: skip


def _process(found: Forecast, process: Process) -> dict[str, Any]:
    speed = found.fit.speeds[process.name] if found.fit else None
    serving = process.serving
    return {
        "name": process.name,
        "models": list(process.models),
        "roles": list(process.roles),
        "quant": process.weights.quant,
        "gpu": process.gpu,
        "device": serving.device,
        "context": serving.context,
        "parallel": serving.parallel,
        "kv": serving.kv,
        "reserve_mib": {"gpu": _part(process.need.gpu), "host": _part(process.need.host)},
        "expected_mib": {"gpu": _part(process.expected.gpu), "host": _part(process.expected.host)},
        "exact": process.need.exact,
        "tokens_per_second": None if speed is None else {"one": speed.single, "all": speed.total,
                                                         "prompt": speed.prefill, "basis": speed.basis},
    }  # fmt: skip


def _part(part: Part) -> dict[str, float]:
    return {**{key: round(value, 1) for key, value in asdict(part).items()}, "total": round(part.total, 1)}


def _plain(value: Any) -> Any:
    """Decimals as text, tuples as lists."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
