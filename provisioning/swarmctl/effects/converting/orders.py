"""What the tools are told for each step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarmctl.core.converting.graph import FULL, Group, Node
from swarmctl.effects.converting.looking import Seen
from swarmctl.effects.converting.shelf import Near, Shelf
from swarmctl.effects.converting.tools import Tools

TEXT = "calibration.txt"
"""What an importance matrix is measured on."""
_OUTTYPES = {quant: outtype for outtype, quant in FULL.items()}


@dataclass(frozen=True)
class Places:
    """Where a run's files are. work: folder of all that is not whole yet. sources, adapters: by group, as the tools see
    them. trust: code of a repository may run there. shelf: of
    unfinished files, where that is not this machine. text: that an importance matrix is measured on.
    """

    work: Path
    tools: Tools
    sources: Mapping[str, str]
    seen: Mapping[str, Seen]
    matrix: str = ""
    adapters: Mapping[str, str] = field(default_factory=dict)
    trust: bool = False
    shelf: Shelf | None = None
    text: str = ""

    @property
    def files(self) -> Shelf:
        """Where what is not whole yet lies."""
        return self.shelf or Near(self.work)

    def done(self, node: Node) -> Path:
        """The file of a finished step; a folder where it fetched many."""
        return self.work / f"{node.key}{_ending(node)}"

    def part(self, node: Node) -> Path:
        """The same while it is being written."""
        return self.work / f"{node.key}.part{_ending(node)}"

    def scratch(self, node: Node) -> Path:
        """A folder for a step's own use."""
        return self.work / f"{node.key}.scratch"

    def inside(self, path: Path) -> str:
        """A file of the work folder as the tools see it."""
        return self.tools.seen(path, self.work)

    def full(self, group: Group) -> str:
        """The unquantised GGUF of a group, as the tools see it."""
        made = next((node for node in group.nodes if node.step == "convert"), None)
        if made is not None:
            return self.inside(self.done(made))
        return f"{self.source(group)}/{next(iter(self.seen[group.key].files))}"

    def source(self, group: Group) -> str:
        """The folder that is converted, as the tools see it: what was published, an adapter merged into it."""
        merged = next((node for node in group.nodes if node.step == "merge"), None)
        if merged is not None:
            return f"{self.inside(self.done(merged))}/{self.seen[group.key].folder}"
        return self.published(group)

    def published(self, group: Group) -> str:
        """The folder with what was published, as the tools see it."""
        fetched = next((node for node in group.nodes if node.step == "fetch" and not node.label), None)
        if fetched is not None:
            return f"{self.inside(self.done(fetched))}/{self.seen[group.key].folder}"
        return self.sources[group.key]


def order(node: Node, group: Group, places: Places) -> dict[str, Any]:
    """The order for one step of the tools."""
    made = {"merge": _merge, "convert": _convert, "quantise": _quantise, "matrix": _matrix, "certify": _certify}[
        node.step
    ]
    return {"id": node.key, "threads": max(1, node.threads), **made(node, group, places)}


def _merge(node: Node, group: Group, places: Places) -> dict[str, Any]:
    out = places.inside(places.part(node) / places.seen[group.key].folder)
    request = {"base": places.published(group), "adapter": places.adapters[group.key], "out": out}
    return {"do": "module", "module": "merge", "request": request}


def _convert(node: Node, group: Group, places: Places) -> dict[str, Any]:
    argv = [places.tools.script, places.source(group), "--outfile", places.inside(places.part(node)),
            "--outtype", _OUTTYPES[node.label]]  # fmt: skip
    return {"do": "script", "argv": argv}


def _quantise(node: Node, group: Group, places: Places) -> dict[str, Any]:
    argv = ["llama-quantize"]
    if not group.source.outtype:
        argv.append("--allow-requantize")
    made = next((other for other in group.nodes if other.step == "matrix" and other.key in node.needs), None)
    if made is not None:
        argv += ["--imatrix", places.inside(places.done(made))]
    elif places.matrix and node.label not in {"Q8_0", *FULL.values()}:
        argv += ["--imatrix", places.matrix]
    argv += [places.full(group), places.inside(places.part(node)), node.label, str(node.threads)]
    return {"do": "tool", "argv": argv}


def _matrix(node: Node, group: Group, places: Places) -> dict[str, Any]:
    argv = [
        "llama-imatrix",
        "-m",
        places.full(group),
        "-f",
        places.text,
        "-o",
        places.inside(places.part(node)),
        "-c",
        "512",
        "--no-ppl",
        "--chunks",
        "64",
    ]
    return {"do": "tool", "argv": argv}


def _certify(node: Node, group: Group, places: Places) -> dict[str, Any]:
    made = {other.label: places.inside(places.done(other)) for other in group.nodes if other.step == "quantise"}
    seen, source = places.seen[group.key], places.source(group) if group.source.outtype else None
    whole = places.full(group)
    if not group.source.outtype and (brought := _brought(group)):
        whole, made = (
            places.inside(places.done(brought[0])),
            {n.label: places.inside(places.done(n)) for n in brought[1:]},
        )
    request = {
        "source": source, "gguf": whole, "quants": made, "corpus": None, "threads": max(1, node.threads),
        "revision": _revision(seen), "sums": dict(seen.sums), "trust_remote_code": places.trust,
    }  # fmt: skip
    scratch = places.inside(places.scratch(node))
    return {"do": "module", "module": "certify", "request": request, "scratch": scratch}


def _brought(group: Group) -> list[Node]:
    """Files that are published as they are wanted, the largest first."""
    return sorted((n for n in group.nodes if n.step == "fetch" and n.label), key=lambda n: (-n.bytes, n.label))


def _revision(seen: Seen) -> str | None:
    """What the published files are of: a commit, and the adapter that was merged into them."""
    base = seen.repository or (seen.origin.where if seen.origin else "")
    return f"{base} with the adapter {seen.source.identity[:16]}" if seen.adapter else base or None


def _ending(node: Node) -> str:
    if node.step == "fetch" and not node.label:
        return ""
    if node.step == "merge":
        return ".merged"
    return ".dat" if node.step == "matrix" else ".json" if node.step == "certify" else ".gguf"
