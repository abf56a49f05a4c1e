"""A swarm file over several hosts, opened as the files of its parts."""

from dataclasses import replace
from decimal import Decimal

from swarmctl.core.parts.partspec import PartSpec
from swarmctl.core.parts.split import slots_of, split
from swarmctl.core.strictfile import did_you_mean
from swarmctl.effects.specs import Opened
from swarmctl.errors import SpecError


def parts_of(opened: Opened) -> dict[str, Opened]:
    """A part for each slot, in the file's order."""
    as_written = split(opened.loaded.spec)
    return {
        part.slot: _opened(opened, part, written) for part, written in zip(split(opened.spec), as_written, strict=True)
    }


def part_of(opened: Opened, slot: str, price: Decimal | None = None) -> Opened:
    """One of them. price: $/h at most, below what its file allows. Raises SpecError for a slot that is not there."""
    parts = parts_of(opened) if slots_of(opened.spec) else {}
    if slot not in parts:
        known = ", ".join(parts) or "none"
        raise SpecError(f"there is no slot '{slot}'; there are: {known}{did_you_mean(slot, parts)}")
    part = parts[slot]
    target = part.spec.target
    if price is None or target.vast is None:
        return part
    most = price if target.vast.max_price is None else min(price, target.vast.max_price)
    vast = target.vast.model_copy(update={"max_price": most})
    return replace(part, spec=part.spec.model_copy(update={"target": target.model_copy(update={"vast": vast})}))


def _opened(opened: Opened, part: PartSpec, written: PartSpec) -> Opened:
    origins = {**opened.loaded.origins, "runtime": "target.slots"}  # containers, whatever a market has
    prompts = {role: opened.prompts[role] for role in part.roles}
    return Opened(replace(opened.loaded, spec=written, origins=origins), part, prompts)
