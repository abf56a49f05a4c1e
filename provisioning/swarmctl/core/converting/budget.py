"""Which steps run next under limits of disk, memory and cores; the plan and the executor ask the same rule."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from swarmctl.core.converting.graph import Graph, Group, Node
from swarmctl.core.units import as_size
from swarmctl.errors import CapacityError

_MIB = 1 << 20
PRELOADED = 768
"""MiB of the process that has read torch and transformers; what forks share with it is counted once."""
RATES = {"fetch": 40, "merge": 150, "convert": 150, "quantise": 30, "certify": 60, "matrix": 2, "register": 1000}
"""MB/s of what each step reads, on one core of a common machine; what really happens is shown as it happens."""
_QUICK = {"Q8_0": 180, "Q4_0": 120, "Q5_0": 100, "Q4_1": 120, "Q5_1": 100, "F16": 300, "BF16": 300, "F32": 300}
_START = {"convert": 2.0, "certify": 15.0}
"""Seconds before the first byte."""


@dataclass(frozen=True, slots=True)
class Budget:
    """disk: bytes that conversions may take at once, results included; None for all that is free. memory in MiB."""

    disk: int | None
    memory: int
    cores: int


@dataclass
class State:
    """How far a graph is: keys of steps that are done, run, or failed with their whole group."""

    done: set[str] = field(default_factory=set)
    running: dict[str, Node] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def finished(self, group: Group) -> bool:
        """All of its steps are done."""
        return all(node.key in self.done for node in group.nodes)


def taken(graph: Graph, state: State) -> int:
    """Bytes that a state may have on disk: all files of models at work, the results of those that are done."""
    total = 0
    for group in graph.groups:
        if group.key in state.failed:
            continue
        if state.finished(group):
            total += group.kept
        elif group.key in state.open:
            total += group.transient
    return total


def following(graph: Graph, state: State, budget: Budget) -> Iterator[Node]:
    """Steps that may start now; each is counted as running before the next is thought of.

    Models at work come first: what is finished gives its room back. Others are begun strictly in their order: a small
    one that slipped in before a large one would leave results where the large one needs the room.
    """
    left = [group for group in graph.groups if group.key not in state.failed and not state.finished(group)]
    for group in [one for one in left if one.key in state.open]:
        yield from _begin(group, graph, state, budget)
    for group in [one for one in left if one.key not in state.open]:
        begun = list(_begin(group, graph, state, budget))
        yield from begun
        if not begun:
            return


def _begin(group: Group, graph: Graph, state: State, budget: Budget) -> Iterator[Node]:
    for node in group.nodes:
        if _may(node, group, graph, state, budget):
            state.open.add(group.key)
            state.running[node.key] = node
            yield node


def _may(node: Node, group: Group, graph: Graph, state: State, budget: Budget) -> bool:
    if node.key in state.done or node.key in state.running or not set(node.needs) <= state.done:
        return False
    if not state.running:  # alone anything may run that `check` let through
        return group.key in state.open or _room(group, graph, state, budget)
    busy = list(state.running.values())
    cores = sum(_threads(one, budget) for one in busy) + _threads(node, budget)
    memory = PRELOADED + sum(one.memory for one in busy) + node.memory
    fits = cores <= budget.cores and memory <= budget.memory
    return fits and (group.key in state.open or _room(group, graph, state, budget))


def _room(group: Group, graph: Graph, state: State, budget: Budget) -> bool:
    return budget.disk is None or taken(graph, state) + group.transient <= budget.disk


def _threads(node: Node, budget: Budget) -> int:
    """0 asks for all cores."""
    return node.threads or budget.cores


def least(graph: Graph) -> int:
    """Bytes that suffice when models are converted one after another."""
    most = kept = 0
    for group in graph.groups:
        most = max(most, kept + group.transient)
        kept += group.kept
    return most


def check(graph: Graph, budget: Budget) -> None:
    """Raises CapacityError where even one step after another takes more than there is."""
    if budget.disk is not None and (need := least(graph)) > budget.disk:
        first = graph.groups[0].source.asked.name
        raise CapacityError(
            f"these conversions take {as_size(need / _MIB)} of disk at once, {as_size(budget.disk / _MIB)} may be used",
            detail=f"{first} alone takes {as_size(graph.groups[0].transient / _MIB)} while it is converted",
            hint=f"--disk-budget '{as_size(need / _MIB * 1.01 + 1)}', or fewer quantisations at once",
        )
    for node in graph.nodes:
        if node.memory + PRELOADED > budget.memory:
            raise CapacityError(
                f"{node.step} of {node.label or 'a model'} needs about {as_size(node.memory + PRELOADED)} of memory, "
                f"{as_size(budget.memory)} may be used",
                hint="a machine with more memory, or a ready GGUF of this model",
            )


@dataclass(frozen=True, slots=True)
class Planned:
    """One step with when it is expected to begin and end, in seconds."""

    node: Node
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a graph is expected to take: its steps in order of their beginning, seconds, and most bytes at once."""

    steps: tuple[Planned, ...]
    seconds: float
    peak: int


def schedule(graph: Graph, budget: Budget) -> Schedule:
    """Plays the graph through by the rule that the executor follows."""
    state, now, peak = State(), 0.0, 0
    steps: list[Planned] = []
    ends: dict[str, float] = {}
    while True:
        for node in following(graph, state, budget):
            ends[node.key] = now + duration(node, graph)
            steps.append(Planned(node, now, ends[node.key]))
        peak = max(peak, taken(graph, state))
        if not ends:
            return Schedule(tuple(steps), now, peak)
        first = min(ends, key=lambda key: (ends[key], key))
        now = ends.pop(first)
        state.done.add(state.running.pop(first).key)


def duration(node: Node, graph: Graph) -> float:
    """Seconds that a step is expected to take."""
    source = next(group.source for group in graph.groups if group.key == node.group)
    read = source.sizes[node.label] if node.step == "register" else node.bytes if node.step == "fetch" else source.full
    rate = _QUICK.get(node.label, RATES["quantise"]) if node.step == "quantise" else RATES[node.step]
    return _START.get(node.step, 0.1) + read / (rate * 1e6)
