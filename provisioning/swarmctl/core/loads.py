"""Which models' files are read, and which of them must be brought first."""

from collections.abc import Iterator, Mapping

from swarmctl.core.observed import Observed
from swarmctl.core.placement.placement import Placement
from swarmctl.core.plan import Step, Verb
from swarmctl.core.sharing.layout import base_of, edits_of
from swarmctl.core.spec import SwarmSpec


def files_of(spec: SwarmSpec, placed: Placement) -> Iterator[tuple[str, str]]:
    """Models whose files are read: those of roles, bases that no role need use, and drafts. An edit with its base."""
    for process in placed.processes:
        base = base_of(process)
        yield base, ""
        yield from ((model, base) for model in edits_of(process))
        if process.serving.draft is not None and (draft := spec.models[base].draft):
            yield draft, ""


def loads(spec: SwarmSpec, files: Mapping[str, str], observed: Observed, slot: str) -> Iterator[Step]:
    """A step for each that is not held, in the file's order. files: models that are read, an edit with its base."""
    for model, source in spec.models.items():
        known = observed.sources.get(source.key)
        if model in files and not (known and known.held):
            folded = f"folded into {files[model]} from {source.path or source.hf}" if files[model] else ""
            cause = known.cause if known else ""
            yield Step(Verb.LOAD, slot, model, folded or cause or f"not in the store; from {source.key}")
