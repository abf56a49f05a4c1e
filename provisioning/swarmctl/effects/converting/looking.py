"""Looks at a source before anything is fetched or run: what it holds, what is wrong with it, how large results are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from swarmctl.core.architectures import from_config
from swarmctl.core.converting.architectures import architecture
from swarmctl.core.converting.graph import Prepared
from swarmctl.core.converting.request import PLAIN, Asked
from swarmctl.core.converting.unsafe import CONFIG, INDEX, Listing, mistakes, needed, weights
from swarmctl.core.quantisation import known, weigh
from swarmctl.core.safetensors import Published, loads
from swarmctl.effects.converting.identity import Hashes, identity
from swarmctl.effects.describe import read_tensors
from swarmctl.errors import SpecError

_BITS = {
    "Q6": 6.6,
    "Q5": 5.8,
    "Q4": 5.1,
    "IQ4": 4.8,
    "Q3": 4.4,
    "IQ3": 4.2,
    "Q2": 3.6,
    "IQ2": 3.2,
    "IQ1": 2.6,
    "Q8": 8.6,
}
"""Bits per weight, rather too many than too few, where a model's tensors are not known one by one."""
_SPARE = 4 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A source that may be converted. files: what a conversion reads, by name, where it lies on this machine.

    folder: what they lie in is called, since a model is named after it. repository: the commit, of a repository.
    sums: hashes of the files, as far as they are known. adapter: files of a LoRA adapter that is merged into
    these, which then are those of `origin`.
    """

    source: Prepared
    files: Mapping[str, Path] = field(default_factory=dict)
    folder: str = "model"
    repository: str = ""
    sums: Mapping[str, str] = field(default_factory=dict)
    adapter: Mapping[str, Path] = field(default_factory=dict)
    origin: Asked | None = None


def folder(asked: Asked, quants: tuple[str, ...], hashes: Hashes, *, trust: bool) -> Seen:
    """A folder of safetensors. Raises SpecError that lists everything wrong with it."""
    root = Path(asked.where).expanduser().resolve()
    there = _there(root, asked)
    sizes = {name: path.stat().st_size for name, path in there.items()}
    index = _json(there[INDEX]) if INDEX in sizes else None
    said, tokenizer = (_json(there[name]) if name in there else None for name in (CONFIG, "tokenizer_config.json"))
    found = Listing(sizes, said, tokenizer or {}, index)
    tensors, holes = _tensors(there, weights(found), sizes)
    found = Listing(sizes, found.config, found.tokenizer, index, holes)
    refuse(asked.where, mistakes(found, trust=trust))
    config = found.config or {}
    architecture(config)
    names = needed(found, trust=trust)
    text = sum(size for name, size in sizes.items() if not name.endswith(".safetensors") and name in names)
    files = {name: there[name].resolve() for name in names}
    made = prepared(asked, config, tensors, quants, text)
    sums = hashes.of(files)
    return Seen(made(identity("folder", sums), 0), files, root.name, sums=sums)


def prepared(
    asked: Asked, config: Mapping[str, Any], tensors: Mapping[str, Published], quants: tuple[str, ...], text: int
) -> Any:
    """Sizes of what becomes of these tensors, as a function of identity and bytes to fetch. text: of the tokenizer."""
    shapes = [tensor.shape for tensor in tensors.values() if tensor.shape]
    kinds = [tensor.kind for tensor in tensors.values() if len(tensor.shape) > 1]
    outtype = "bf16" if kinds and all(kind not in {"F32", "F16"} for kind in kinds) else "f16"
    extra = text + _SPARE
    full = sum(prod(shape) * (4 if len(shape) == 1 else 2) for shape in shapes) + extra
    exact = sized(config, quants, sum(map(prod, shapes)), max(map(prod, shapes), default=0))
    sizes = {quant: size + extra for quant, size in exact.items()}
    largest = 2 * max((prod(shape) for shape in shapes), default=0)

    def made(content: str, fetch: int, ready: Mapping[str, str] | None = None) -> Prepared:
        return Prepared(asked, content, full, sizes, largest, outtype, fetch, ready or {})

    return made


def sized(config: Mapping[str, Any], quants: tuple[str, ...], parameters: int, largest: int) -> dict[str, int]:
    """Bytes of each quantisation: exact where the architecture's tensors are known, else rather too many."""
    try:
        model = from_config(config)
    except SpecError:
        return {quant: rough(quant, parameters, largest) for quant in quants}
    return {q: weigh(model, q).total if known(q) else rough(q, parameters, largest) for q in quants}


def rough(quant: str, parameters: int, largest: int) -> int:
    """Bytes by bits per weight. largest: elements of the embedding, which with the head is kept finer than the rest."""
    if quant in PLAIN:
        return parameters * (4 if quant == "F32" else 2)
    bits, ends = _BITS.get(quant.partition("_")[0], 8.6), min(parameters, 2 * largest)
    return round(((parameters - ends) * bits + ends * max(bits, _BITS["Q6"])) / 8)


def refuse(where: str, wrong: tuple[str, ...]) -> None:
    """Raises SpecError with all of it."""
    if wrong:
        raise SpecError(f"{where} cannot be converted", detail="\n".join(wrong), hint=_mend(wrong))


def _mend(wrong: tuple[str, ...]) -> str:
    if any("pickle" in line for line in wrong):
        return "a revision of this model that is published as safetensors"
    if any("--trust-remote-code" in line for line in wrong):
        return "read that code first; then --trust-remote-code"
    return "fetch the folder again"


def _there(root: Path, asked: Asked) -> dict[str, Path]:
    """Its files by name. Raises SpecError for a folder that cannot be read."""
    try:
        found = {path.name: path for path in root.iterdir() if path.is_file()}
    except OSError as e:
        raise SpecError(f"{asked.where} cannot be read: {e.strerror}", hint="name a folder of safetensors") from None
    return found | {name: Path(path) for name, path in asked.over}


def _tensors(
    there: Mapping[str, Path], names: tuple[str, ...], sizes: Mapping[str, int]
) -> tuple[dict[str, Published], dict[str, str]]:
    """What the headers of all shards list, and which of those shards are not whole."""
    found: dict[str, Published] = {}
    holes: dict[str, str] = {}
    for name in names:
        if sizes.get(name, 0) == 0 or "/" in name:
            continue
        try:
            listed = read_tensors(there[name])
            found |= listed
            if (end := whole(there[name])) != sizes[name]:
                holes[name] = f"has {sizes[name]:,} bytes, its header promises {end:,}"
        except SpecError as e:
            holes[name] = e.message
    return found, holes


def whole(path: Path) -> int:
    """Bytes that a safetensors file has by its own header. Raises SpecError."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        listed = loads(file.read(length))
    ends = [entry["data_offsets"][1] for name, entry in listed.items() if name != "__metadata__" and _offsets(entry)]
    return 8 + length + max(ends, default=0)


def _offsets(entry: Any) -> bool:
    found = entry.get("data_offsets") if isinstance(entry, dict) else None
    return isinstance(found, list) and len(found) == 2 and all(isinstance(n, int) and 0 <= n < 1 << 50 for n in found)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = loads(path.read_bytes())
    except (SpecError, OSError):
        return None
    return found if isinstance(found, dict) else None
