"""The steps from sources to quantised models as one graph: what is shared is done once, what is held is not done."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from swarmctl.core.converting.request import AUTO, PLAIN, Asked, Options

Step = Literal["fetch", "merge", "convert", "matrix", "quantise", "certify", "register"]
_SCRATCH, _CUT = 256 << 20, 1 << 30
"""Bytes that a proof writes for itself: logits of a text, and of a model that is large some of its layers."""
_ENOUGH = 3072
"""MiB; models that are larger are proved by some of their layers, and read through a map of the file."""
FULL = {"f16": "F16", "bf16": "BF16", "f32": "F32"}
"""What the script is told to write, and what such a file is called."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that was looked at and may be converted. Sizes in bytes.

    identity: of its content. fetch: bytes that must come over the network. outtype: what the conversion writes, "" for
    a source that is GGUF already, which then has `full` bytes. sizes: of each quantisation that is wanted of it.
    largest: of one tensor in f16. ready: files of the source that already are in a wanted quantisation. certified: the
    result can be held against original weights. merged: bytes of the folder that an adapter and its base make, 0 where
    there is no adapter.
    """

    asked: Asked
    identity: str
    full: int
    sizes: Mapping[str, int]
    largest: int
    outtype: str = ""
    fetch: int = 0
    ready: Mapping[str, str] = field(default_factory=dict)
    certified: bool = True
    merged: int = 0

    @property
    def same(self) -> tuple[str, str]:
        """Equal for sources with the same content."""
        return self.identity, self.outtype


@dataclass(frozen=True, slots=True)
class Node:
    """One step. key: hash of everything that the result depends on. label: a quantisation, or "".

    needs: keys of steps before it. bytes: of its result, as planned. memory in MiB. threads: cores that it keeps busy.
    """

    key: str
    step: Step
    group: str
    label: str
    needs: tuple[str, ...]
    bytes: int
    memory: int
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """All steps of one model, which share its files. wanted: key of each quantisation's result, held or not.

    transient: bytes while it is at work, when all its files lie side by side. kept: bytes that stay of it.
    """

    key: str
    source: Prepared
    nodes: tuple[Node, ...]
    wanted: Mapping[str, str]
    held: frozenset[str]

    @property
    def transient(self) -> int:
        """Bytes of everything that its steps write."""
        return max(self.kept, sum(node.bytes for node in self.nodes if node.step != "register"))

    @property
    def kept(self) -> int:
        """Bytes of its results."""
        return sum(node.bytes for node in self.nodes if node.step == "register")


@dataclass(frozen=True, slots=True)
class Graph:
    """Every model's steps; those with the largest files come first, since their room is needed before others' is."""

    groups: tuple[Group, ...]
    tool: str

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All steps, each after those that it needs."""
        return tuple(node for group in self.groups for node in group.nodes)


def graph(
    sources: Sequence[Prepared],
    options: Options,
    tool: str,
    held: Collection[str] = (),
    *,
    cores: int = 1,
    certify: bool = True,
) -> Graph:
    """The steps that are still to be done. tool: version of the tools. held: keys whose results are there.

    Two sources with the same content are one. cores: quantisers share them, one thread each where there are more of
    them. certify: results are proved against the original before they count.
    """
    groups = [_group(source, options, tool, frozenset(held), certify=certify) for source in _merged(sources)]
    many = sum(node.step == "quantise" for group in groups for node in group.nodes)
    shared = [_threaded(group, max(1, cores // max(1, many))) for group in groups]
    return Graph(tuple(sorted(shared, key=lambda group: (-group.transient, group.key))), tool)


def _merged(sources: Sequence[Prepared]) -> list[Prepared]:
    """One for each content, with all quantisations that are wanted of it."""
    found: dict[tuple[str, str], Prepared] = {}
    for one in sources:
        first = found.setdefault(one.same, one)
        if first is not one:
            sizes, ready = {**first.sizes, **one.sizes}, {**first.ready, **one.ready}
            found[one.same] = replace(first, sizes=sizes, ready=ready, full=max(first.full, one.full))
    return list(found.values())


def _threaded(group: Group, threads: int) -> Group:
    nodes = (replace(node, threads=threads) if node.step == "quantise" else node for node in group.nodes)
    return replace(group, nodes=tuple(nodes))


def key(step: Step, identity: str, tool: str, **options: Any) -> str:
    """16 bytes in hexadecimal: the same content, tool and options give the same."""
    text = json.dumps([step, identity, tool, options], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def result(source: Prepared, quant: str, options: Options, tool: str) -> str:
    """The key of one quantisation's result, whatever else is asked for with it."""
    matrix = options.matrix if quant not in {*PLAIN, "Q8_0"} else ""
    return key("register", source.identity, tool, quant=quant, outtype=source.outtype, matrix=matrix)


def _group(source: Prepared, options: Options, tool: str, held: frozenset[str], *, certify: bool) -> Group:
    name = key("convert", source.identity, tool, outtype=source.outtype)
    wanted = {quant: result(source, quant, options, tool) for quant in source.sizes}
    open_ = [quant for quant in source.sizes if wanted[quant] not in held]
    made = _Steps(source, name, options, tool)
    for quant in open_:
        made.result(quant)
    if certify and source.certified and made.results:
        made.certify()
    for quant in open_:
        made.register(quant, wanted[quant])
    return Group(name, source, tuple(made.nodes), wanted, frozenset(wanted.values()) & held)


@dataclass
class _Steps:
    """Adds steps of one model, and before each those that it needs."""

    source: Prepared
    group: str
    options: Options
    tool: str
    nodes: list[Node] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    proof: str = ""

    def result(self, quant: str) -> None:
        """A file in this quantisation; one that is published so, or is the conversion itself, is only brought."""
        if quant in self.source.ready:
            size = self.source.sizes[quant]
            self.results[quant] = self._add("fetch", quant, (), size, 64) if self._far else ""
        elif FULL.get(self.source.outtype) == quant:
            self.results[quant] = self._full()
        else:
            needs = [self._full(), *([self._matrix()] if self._weighed(quant) else [])]
            memory = 256 + 3 * _mib(self.source.largest)
            size = self.source.sizes[quant]
            self.results[quant] = self._add("quantise", quant, [n for n in needs if n], size, memory)

    def certify(self) -> None:
        """One proof of all results. A file that is published as GGUF is held against itself, and only where nothing is
        converted beside it.
        """
        if not self.source.outtype:
            self._certify_files()
            return
        made = [n for q, n in self.results.items() if q not in self.source.ready]
        if made:
            memory = 1024 + min(3 * _mib(self.source.full), _ENOUGH)
            needs = dict.fromkeys(n for n in (self._published(), self._full(), *made) if n)
            self.proof = self._add("certify", "", needs, _SCRATCH + min(self.source.full, _CUT), memory)

    def _certify_files(self) -> None:
        whole = self.source.full or max(self.source.sizes.values())
        memory = 1024 + min(2 * _mib(whole), _ENOUGH)
        needs = dict.fromkeys(n for n in self.results.values() if n)
        self.proof = self._add("certify", "", needs, _SCRATCH, memory)

    def register(self, quant: str, wanted: str) -> None:
        """The result gets its name in the store: the file moves, so others that are made of it come first."""
        proof = self.proof if quant not in self.source.ready or not self.source.outtype else ""
        others = self.results.values() if FULL.get(self.source.outtype) == quant else ()
        needs = tuple(dict.fromkeys(n for n in (self.results[quant], proof, *others) if n))
        self.nodes.append(Node(wanted, "register", self.group, quant, needs, self.source.sizes[quant], 64))

    def _full(self) -> str:
        """The unquantised GGUF: made of safetensors, or what the source is."""
        if not self.source.outtype:
            return self._fetched()
        needs = [n for n in (self._published(),) if n]
        return self._add(
            "convert", FULL[self.source.outtype], needs, self.source.full, 640 + 3 * _mib(self.source.largest)
        )

    def _published(self) -> str:
        """The folder that is converted, and held against what became of it."""
        fetched = self._fetched()
        if not self.source.merged:
            return fetched
        return self._add("merge", "", [n for n in (fetched,) if n], self.source.merged, 512)

    def _fetched(self) -> str:
        return self._add("fetch", "", (), self.source.fetch, 64) if self._far else ""

    @property
    def _far(self) -> bool:
        return self.source.fetch > 0 or (self.source.asked.kind == "hub" and not self.source.outtype)

    def _matrix(self) -> str:
        if not self.options.matrix.startswith(AUTO):
            return ""
        memory = 1024 + min(2 * _mib(self.source.full), _ENOUGH)
        return self._add("matrix", "", [n for n in (self._full(),) if n], 0, memory, 0)

    def _weighed(self, quant: str) -> bool:
        return bool(self.options.matrix) and quant not in {*PLAIN, "Q8_0"}

    def _add(self, step: Step, label: str, needs: Iterable[str], size: int, memory: int, threads: int = 1) -> str:
        made = key(step, self.source.identity, self.tool, label=label, outtype=self.source.outtype,
                   matrix=self.options.matrix if step in {"quantise", "matrix", "certify"} else "",
                   needs=sorted(needs) if step == "certify" else [])  # fmt: skip
        if all(node.key != made for node in self.nodes):
            self.nodes.append(Node(made, step, self.group, label, tuple(needs), size, memory, threads))
        return made


def _mib(count: int) -> int:
    return -(-count // (1 << 20))
