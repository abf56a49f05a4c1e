"""Walks the graph of conversions: starts what the budget lets, keeps what is whole, gives space back when it fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarmctl.core.converting.budget import Budget, State, check, following
from swarmctl.core.converting.graph import Graph, Group, Node
from swarmctl.effects.clock import Clock
from swarmctl.effects.converting.failing import failure, gone
from swarmctl.effects.converting.finishing import Finishing
from swarmctl.effects.converting.orders import Places, order
from swarmctl.effects.converting.results import Result
from swarmctl.effects.converting.shelf import Near
from swarmctl.effects.converting.workshop import GONE, Workshop
from swarmctl.errors import SwarmctlError

_LOOK = 0.25
"""Seconds between two looks at how far files have come."""
_OURS = frozenset({"fetch", "register"})
"""Steps that need none of llama.cpp's tools."""


@dataclass(frozen=True, slots=True)
class Began:
    """A step starts."""

    group: Group
    node: Node


@dataclass(frozen=True, slots=True)
class Far:
    """A step has written so many bytes of about so many."""

    group: Group
    node: Node
    done: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A step is over. problem: why it failed, "" when it did not. peak: MiB of memory, and processor: seconds of
    processor that its process took; 0 where nobody measured.
    """

    group: Group
    node: Node
    seconds: float
    problem: str = ""
    peak: int = 0
    processor: float = 0.0


Tell = Callable[[Began | Far | Ended], None]


@dataclass
class Run:
    """One walk. Every result that is whole and proved counts at once, whatever becomes of the others."""

    graph: Graph
    budget: Budget
    places: Places
    shop: Workshop
    finishing: Finishing
    clock: Clock
    tell: Tell
    state: State = field(default_factory=State)
    results: list[Result] = field(default_factory=list)
    failures: list[SwarmctlError] = field(default_factory=list)
    peak: int = 0
    _begun: dict[str, float] = field(default_factory=dict)
    _said: dict[str, dict[str, Any]] = field(default_factory=dict)

    def walk(self) -> None:
        """To the end of every group that can be finished. Raises CapacityError before anything is begun.

        What failed is in `failures`. Interrupted, whole files of steps stay, and the next walk goes on from them.
        """
        check(self.graph, self.budget)
        self._continue()
        while self._start() or self.state.running:
            event = self.shop.next(_LOOK)
            self._look()
            if event is not None:
                self._take(event)

    def _groups(self) -> Mapping[str, Group]:
        return {node.key: group for group in self.graph.groups for node in group.nodes}

    def _continue(self) -> None:
        """Steps whose files an earlier walk left whole are done; parts of files are of no use and go."""
        known = {self.places.done(node).name: (node, group) for group in self.graph.groups for node in group.nodes}
        for path in self.places.work.iterdir():
            if path.name in known and self._whole(path):
                node, group = known[path.name]
                self.state.done.add(node.key)
                self.state.open.add(group.key)
            elif path.name.endswith((".scratch", ".part.merged")) or (".part" in path.name and not path.is_dir()):
                Near(self.places.work).drop(path)
        for group in self.graph.groups:
            self._skip(group)

    def _skip(self, group: Group) -> None:
        """Steps of which nothing is needed any more, since what stood on them is there."""
        needed = {node.key for node in group.nodes if node.step == "register"}
        for node in reversed(group.nodes):
            if node.key in needed and node.key not in self.state.done:
                needed |= set(node.needs)
        self.state.done |= {node.key for node in group.nodes} - needed

    def _whole(self, path: Path) -> bool:
        if path.suffix == ".gguf" and Near(self.places.work).whole(path):
            path.unlink()
            return False
        return True

    def _start(self) -> bool:
        begun = False
        for node in following(self.graph, self.state, self.budget):
            begun = True
            group = self._groups()[node.key]
            self._begun[node.key] = self.clock.monotonic()
            self.tell(Began(group, node))
            if node.step in _OURS:
                self.shop.do(node.key, lambda node=node, group=group: self._own(node, group))  # type: ignore[misc]
            else:
                self.shop.order(order(node, group, self.places))
        return begun

    def _own(self, node: Node, group: Group) -> Result | None:
        if node.step == "fetch":
            self.finishing.fetch(node, group)
            return None
        spent = sum(self.finishing.seconds.get(n.key, 0.0) for n in group.nodes if not n.label or n.label == node.label)
        return self.finishing.register(node, group, spent)

    def _take(self, event: dict[str, Any]) -> None:
        key = event["id"]
        if key == GONE:
            return self._lost(int(event["code"]))
        node = self.state.running.get(key)
        if node is None:
            return None
        if "said" in event:
            self._said.setdefault(key, {}).update(event["said"])
        elif "ended" in event:
            self._end(node, self._groups()[key], event)
        return None

    def _end(self, node: Node, group: Group, event: dict[str, Any]) -> None:
        seconds = self.clock.monotonic() - self._begun[node.key]
        self.finishing.seconds[node.key] = seconds
        problem = self._problem(node, group, event)
        del self.state.running[node.key]
        if problem is None:
            self.state.done.add(node.key)
            if isinstance(event.get("value"), Result):
                self.results.append(event["value"])
            self._tidy(group)
        elif group.key not in self.state.failed:
            self._fail(group, problem)
        if group.key in self.state.failed and not self._busy(group):
            self._remove(group)
        self.places.files.drop(self.places.scratch(node))
        peak = int(event.get("peak", 0)) // 1024
        processor = float(event.get("processor", 0.0))
        self.tell(Ended(group, node, seconds, problem.message if problem else "", peak, processor))

    def _problem(self, node: Node, group: Group, event: dict[str, Any]) -> SwarmctlError | None:
        if isinstance(error := event.get("error"), BaseException):
            if isinstance(error, SwarmctlError):
                return error
            raise error
        if event["ended"] != 0:
            said = {**event, "said": self._said.get(node.key, {})}
            return failure(node, group, said, self.places.files.free(), self.budget.memory)
        if node.step in _OURS:
            return None
        try:
            self.finishing.tool(node, group, self._said.get(node.key, {}))
        except SwarmctlError as e:
            return e
        return None

    def _fail(self, group: Group, problem: SwarmctlError) -> None:
        self.failures.append(problem)
        self.state.failed.add(group.key)
        for other in self.state.running.values():
            if other.group == group.key and other.step not in _OURS:
                self.shop.order({"id": other.key, "do": "stop"})

    def _busy(self, group: Group) -> bool:
        return any(other.group == group.key for other in self.state.running.values())

    def _lost(self, code: int) -> None:
        """The tools are gone, and with them every step that they were at."""
        for node in [one for one in self.state.running.values() if one.step not in _OURS]:
            group = self._groups()[node.key]
            problem = gone(code, self.budget.memory, self.shop.said())
            self._end(node, group, {"id": node.key, "ended": 1, "error": problem})
        for group in self.graph.groups:
            if not self.state.finished(group):
                self.state.failed.add(group.key)

    def _tidy(self, group: Group) -> None:
        """Files that no step of the group still needs."""
        left = {key for node in group.nodes if node.key not in self.state.done for key in node.needs}
        for node in group.nodes:
            if node.key in self.state.done and node.key not in left:
                self.places.files.drop(self.places.done(node))

    def _remove(self, group: Group) -> None:
        """A group that failed gives its space back, but for a fetch that was broken off: the next one goes on there."""
        for node in group.nodes:
            self.places.files.drop(self.places.done(node))
            if node.step != "fetch":
                self.places.files.drop(self.places.part(node))

    def _look(self) -> None:
        now = self.clock.monotonic()
        total = sum(result.bytes for result in self.results)
        self.peak = max(self.peak, total + self.places.files.size(self.places.work))
        for node in self.state.running.values():
            part = self.places.part(node)
            self.tell(Far(self._groups()[node.key], node, self.places.files.size(part), now - self._begun[node.key]))
