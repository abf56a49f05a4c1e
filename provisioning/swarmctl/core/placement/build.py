"""From a swarm file on given terms to the processes that serve it."""

from collections.abc import Iterator
from dataclasses import dataclass

from swarmctl.core.engines.rules import asks
from swarmctl.core.memory.serving import Device, Draft, Serving
from swarmctl.core.placement.adapters import rank_one
from swarmctl.core.placement.demand import Demand
from swarmctl.core.placement.folds import folds
from swarmctl.core.placement.items import Attempt, Item
from swarmctl.core.placement.placement import Refusal
from swarmctl.core.placement.problems import device_problems, form_problems, too_long
from swarmctl.core.placement.terms import Terms, quant_of
from swarmctl.core.spec import ORCHESTRATOR

AGENT = 48.0
"""MiB of one agent beyond what it shares with its siblings (measured after one task each)."""
GATEWAY = 64.0
"""MiB of the process before a shared base."""
SUPERVISOR = 120.0
"""MiB of the supervisor with the agents' packages loaded; the agents share most of it."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Models that one process serves: the one whose weights it loads, and who talks to it."""

    base: str
    models: tuple[str, ...]
    roles: tuple[str, ...]
    edits: tuple[str, ...] = ()


def build(demand: Demand, terms: Terms, cards: bool) -> Attempt:
    """The processes on these terms, on a machine with cards or without; worked out once."""
    key = ("attempt", terms, cards)
    found: Attempt | None = demand.memo.get(key)
    if found is None:
        found = demand.memo[key] = _build(demand, terms, cards)
    return found


def _build(demand: Demand, terms: Terms, cards: bool) -> Attempt:
    items: list[Item] = []
    problems: list[Refusal] = []
    notes: dict[str, None] = {}
    devices = dict(terms.devices)
    problems.extend(form_problems(demand, terms))
    for group in () if problems else _groups(demand, terms):
        device = devices.get(group.base) or demand.spec.models[group.base].device or ("gpu" if cards else "cpu")
        problems.extend(device_problems(demand, group.base, device, cards))
        for name in group.models:
            roles = group.roles if terms.architecture == "single" else demand.spec.users(name)
            wanted = min(terms.cap, max(demand.spec.context_of(role) for role in roles))
            problems.extend(too_long(demand, name, wanted))
        if not problems:
            item, told = _item(demand, terms, group, device)
            notes.update(dict.fromkeys(f"models.{group.base}: {line}" for line in told))
            items.append(item)
    items.sort(key=_by_take if terms.loaded else _by_engine)
    gpu = sum(item.asks.take for item in items if item.asks)
    host = sum(item.need.host.total + AGENT * len(item.roles) for item in items) + SUPERVISOR
    return Attempt(terms, tuple(items), tuple(problems), tuple(notes), gpu, host)


def _by_engine(item: Item) -> tuple[bool, float, float, str]:
    """Those for a card first, then the largest as the engine sees it, then by name."""
    if item.asks is None:
        return True, -item.need.host.total, 0.0, item.name
    return False, -item.asks.more, -item.asks.take, item.name


def _by_take(item: Item) -> tuple[bool, float, str]:
    return item.asks is None, -(item.asks.take if item.asks else item.need.host.total), item.name


def _groups(demand: Demand, terms: Terms) -> Iterator[_Group]:
    spec = demand.spec
    used = [name for name in spec.models if spec.users(name)]
    if terms.architecture == "single":
        best = max(used, key=lambda name: (demand.models[name].weights[quant_of(demand, terms, name)].parameters, name))
        yield _Group(best, (best,), tuple(spec.roles))
        return
    folded = folds(demand) if terms.architecture == "shared-base" else {}
    bases = dict.fromkeys(folded.get(name, name) for name in used)
    for base in bases:
        models = tuple(name for name in used if folded.get(name, name) == base)
        roles = tuple(role for role in spec.roles if spec.roles[role].model in models)
        yield _Group(base, models, roles, tuple(name for name in models if name != base))


def _item(demand: Demand, terms: Terms, group: _Group, device: Device) -> tuple[Item, tuple[str, ...]]:
    spec, known = demand.spec, demand.models[group.base]
    quant = quant_of(demand, terms, group.base)
    edits = (demand.models[name] for name in group.edits)
    serving, told = demand.served(
        group.base,
        Serving(
            context=min(terms.cap, max(spec.context_of(role) for role in group.roles)),
            parallel=terms.parallel * max(1, len(group.models)),
            kv=terms.kv,
            flash_attention=spec.engine.flash_attention,
            # That cache keeps prompts without the adapter that read them, and hands them to other slots.
            cache_ram=0 if group.edits else spec.engine.cache_ram,
            server=demand.server,
            device=device,
            adapters=sum(edit.adapter or rank_one(edit.model) for edit in edits),
            projector=known.projector,
            draft=_draft(demand, terms, group.base),
            yarn=spec.models[group.base].yarn,
        ),
    )
    need = demand.need(group.base, quant, serving)
    weights = known.weights[quant]
    asked = None if device == "cpu" else asks(demand.engine, known.model, weights, serving, need)
    lead = ORCHESTRATOR in group.roles
    optional = not lead and all(spec.roles[role].optional for role in group.roles)
    name = f"engine-{group.base}"
    return Item(name, group.models, group.roles, known.model, weights, serving, need, asked, lead, optional), told


def _draft(demand: Demand, terms: Terms, name: str) -> Draft | None:
    draft = demand.spec.models[name].draft
    if draft is None:
        return None
    known = demand.models[draft]
    return Draft(known.model, known.weights[quant_of(demand, terms, draft)], terms.kv)
