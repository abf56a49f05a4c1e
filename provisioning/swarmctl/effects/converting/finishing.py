"""Ends of steps: what came is looked at, a file that is whole gets its name, a result its place in the store."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarmctl.core.converting.graph import FULL, Group, Node
from swarmctl.core.converting.request import PLAIN, Asked
from swarmctl.effects import files
from swarmctl.effects.converting.orders import Places
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.sources.localfile import bring, sha256
from swarmctl.effects.store import ModelStore
from swarmctl.effects.storeadapters import HEADED
from swarmctl.errors import DeployError, HealthError


@dataclass
class Finishing:
    """Keeps what steps gave. matrix: of the options. seconds: that steps took, by key."""

    places: Places
    store: ModelStore
    results: Results
    tool_name: str
    matrix: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def fetch(self, node: Node, group: Group) -> None:
        """Bring what a repository has of this model; what came before is gone on from."""
        from swarmctl.effects.converting.hub import fetch  # noqa: PLC0415 - only where a repository is meant

        part, done = self.places.part(node), self.places.done(node)
        seen = self.places.seen[group.key]
        if node.label:
            holder = part.with_suffix(".dir")
            found = fetch(seen, [seen.source.ready[node.label]], holder)
            found[0].replace(done)
            shutil.rmtree(holder)
            return
        fetch(seen, list(seen.files), part / seen.folder)
        part.replace(done)

    def tool(self, node: Node, group: Group, said: Mapping[str, Any]) -> None:
        """The file of one of llama.cpp's tools, or what `certify` said. Raises HealthError for a wrong result."""
        part, done = self.places.part(node), self.places.done(node)
        if node.step == "certify":
            _approve(group, said.get("certificate"))
            files.write_json(done, said["certificate"])
            return
        merged = part / self.places.seen[group.key].folder / "config.json"
        if why := self.places.files.whole(merged if node.step == "merge" else part):
            raise DeployError(f"{group.source.asked.name}: {node.step} wrote no whole file", detail=why)
        self.places.files.take(part, done)

    def register(self, node: Node, group: Group, seconds: float) -> Result:
        """The result is hashed, gets its name by content, and counts from now on."""
        file = self._file(node, group)
        digest = sha256(file, lambda _done, _total: None)
        parameters = read_gguf(file).weights.parameters
        certificate = self._certificate(node, group)
        held = self.store.take(self._held(node, group), file, digest)
        if certificate is not None:
            self.results.certify(digest, certificate)
        result = Result(
            node.key, group.source.asked.name, node.label, digest, held.bytes, held.key, self.tool_name, parameters,
            seconds, divergence(certificate, node.label), certificate is not None,
        )  # fmt: skip
        self.results.put(result)
        return result

    def _held(self, node: Node, group: Group) -> str:
        """One that an importance matrix shaped is another model than the plain one."""
        plain = held_key(group.source.asked, node.label)
        shaped = self.matrix and node.label not in {"Q8_0", *PLAIN}
        return f"{plain}+{hashlib.sha256(self.matrix.encode()).hexdigest()[:8]}" if shaped else plain

    def _file(self, node: Node, group: Group) -> Path:
        """The file that becomes the result."""
        source, seen = group.source, self.places.seen[group.key]
        made = next((n for n in group.nodes if n.label == node.label and n.step not in {"register"}), None)
        if made is not None and not (made.step == "convert" and FULL.get(source.outtype) != node.label):
            return self.places.files.bring(self.places.done(made))
        target = self.places.work / f"{node.key}.part.gguf"
        return bring(next(iter(seen.files.values())), target, lambda _done, _total: None)[0]

    def _certificate(self, node: Node, group: Group) -> Any:
        proof = next((n for n in group.nodes if n.step == "certify" and n.key in node.needs), None)
        return files.read_json(self.places.done(proof)) if proof is not None else None


def held_key(asked: Asked, quant: str) -> str:
    """What the store calls a result; for a repository the key of the source that a swarm file would write."""
    return _held_key(asked, quant) + (f"+{asked.base}" if asked.base else "")


def _held_key(asked: Asked, quant: str) -> str:
    if asked.kind == "hub":
        return f"hf:{asked.where}@{asked.revision}#{quant}"
    if asked.kind == "ollama":
        return f"ollama:{asked.where}:{asked.revision}#{quant}"
    return f"path:{Path(asked.where).expanduser().resolve()}#{quant}{HEADED if asked.over else ''}"


def divergence(certificate: Any, quant: str) -> float | None:
    """KL of a quantisation against the unquantised model, as its certificate has it."""
    rows = certificate.get("quants") if isinstance(certificate, dict) else None
    row = rows.get(quant) if isinstance(rows, dict) else None
    found = row.get("kl") if isinstance(row, dict) else row
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _approve(group: Group, raw: Any) -> None:
    from swarmctl.core.converting.certificate import Certificate  # noqa: PLC0415 - only when there is one

    name = group.source.asked.name
    if raw is None:
        raise DeployError(f"{name}: its proof ended without a certificate")
    if refusals := Certificate.from_json(raw).refusals():
        raise HealthError(
            f"{name} was converted, and is wrong: it is not registered",
            detail="\n".join(refusals),
            hint="swarmctl convert --plan; a newer revision of the model, or a newer llama.cpp, may do",
        )
