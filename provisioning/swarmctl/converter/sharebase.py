"""What a base and its specialists have in common: one JSON request on stdin, JSON lines out, the report last.

`{"base": folder, "specialists": {name: folder}, "out": folder, "max_rank": 16, "residual": 0.02, "half": false,
"untied": folder or null}`. Each specialist that is accepted has `<name>.gguf` in `out`; a folder that holds a PEFT
adapter is rewritten without a look at weights. With `untied`, the base is written there with a head of its own where an
adapter needs it.
"""

import hashlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from swarmctl.converter import lora
from swarmctl.converter.adapter import Pair, write
from swarmctl.converter.alike import unlike
from swarmctl.converter.judging import Compared, Limits, pairs, verdict
from swarmctl.converter.lowrank import edit_of, vector_edit
from swarmctl.converter.matching import Matched, Published, matched
from swarmctl.converter.names import EMBEDDING, HEAD
from swarmctl.converter.tensors import Refused
from swarmctl.converter.untie import untied

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_WIDE = 8
"""Times the rank that is allowed: so many directions are looked at to say which rank would do."""
_LARGEST = 1 << 20
"""Bytes of a request."""

Tell = Callable[[dict[str, Any]], None]


def share(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The report; adapters are written on the way. Raises Refused for a base or a request that cannot be used."""
    limits = Limits(
        int(_bounded(request, "max_rank", 16, 1, 512)),
        _bounded(request, "residual", 0.02, 0.0, 1.0),
        request.get("half") is True,
    )
    specialists, out = _specialists(request), Path(_text(request, "out"))
    base = Published.of(Path(_text(request, "base")))
    out.mkdir(parents=True, exist_ok=True)
    found = []
    for name, folder in specialists.items():
        try:
            one = _one(base, folder, limits, out / f"{name}.gguf", _of(name, tell))
        except Refused as e:
            one = {"accepted": False, "why": [str(e)]}
        found.append({"name": name} | one)
        tell({"event": "specialist", "name": name, "accepted": one["accepted"], "why": one["why"]})
    untie = base.tied and any(one["accepted"] and one["edits_embedding"] for one in found)
    where = request.get("untied")
    head = untied(base.folder, Path(where)) if untie and isinstance(where, str) else None
    return {
        "event": "report",
        "arch": base.names.arch,
        "base_bytes": base.size,
        "tied": base.tied,
        "untie": untie,
        "untied": str(head) if head else None,
        "max_rank": limits.max_rank,
        "threshold": limits.residual,
        "specialists": found,
    }


def _of(name: str, tell: Tell) -> Tell:
    return lambda row: tell(row | {"name": name})


def _one(base: Published, folder: Path, limits: Limits, file: Path, tell: Tell) -> dict[str, Any]:
    file.unlink(missing_ok=True)
    if (folder / lora.CONFIG).is_file():
        return _rewritten(base, folder, limits, file)
    why = unlike(base.folder, folder)
    if why:
        return {"accepted": False, "why": why}
    edited = Published.of(folder)
    both, compared = matched(base, edited), []
    for done, at in enumerate(both, 1):
        compared.append(_compare(at, limits))
        tell({"event": "tensor", "tensor": at.name, "done": done, "of": len(both), "form": compared[-1].edit.form})
    said = verdict(compared, limits)
    common = {"accepted": not said["why"], "own_bytes": edited.size} | said
    return common | (_written(base, file, pairs(compared, base.names), limits) if common["accepted"] else {})


def _compare(at: Matched, limits: Limits) -> Compared:
    if not at.matrix or not at.targets:
        return Compared(at, vector_edit(at.difference))
    return Compared(at, edit_of(at.difference, limits.max_rank, _WIDE * limits.max_rank))


def _rewritten(base: Published, folder: Path, limits: Limits, file: Path) -> dict[str, Any]:
    """A PEFT adapter: nothing is left out, whatever its rank. Raises Refused where it is not of this base."""
    found = lora.pairs(folder, base.names)
    shapes = {base.names.full(name): (tensor.rows, tensor.columns) for name, tensor in base.tensors.items()}
    if base.tied:
        shapes[HEAD] = shapes[EMBEDDING]
    for pair in found:
        if shapes.get(pair.target) != (pair.b.shape[0], pair.a.shape[1]):
            raise Refused(f"{pair.target}: the adapter's shape is not this base's")
    targets = {pair.target for pair in found}
    said = {
        "accepted": True,
        "why": [],
        "residual": 0.0,
        "noise": 0.0,
        "edited": len(found),
        "rank": max(pair.a.shape[0] for pair in found),
        "edits_embedding": bool(targets & {EMBEDDING, HEAD}),
        "tensors": [],
    }
    return said | _written(base, file, found, limits)


def _written(base: Published, file: Path, found: list[Pair], limits: Limits) -> dict[str, Any]:
    size = write(file, base.names.arch, file.stem, found, limits.half)
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"adapter": file.name, "bytes": size, "sha256": digest}


def _request(raw: bytes) -> dict[str, Any]:
    request = json.loads(raw)
    if not isinstance(request, dict):
        raise Refused("the request is no JSON object")
    return request


def _specialists(request: dict[str, Any]) -> dict[str, Path]:
    given = request.get("specialists")
    if not isinstance(given, dict) or not given:
        raise Refused("specialists: give a name and a folder for each")
    for name, folder in given.items():
        if not _NAME.fullmatch(name) or not isinstance(folder, str) or not Path(folder).is_dir():
            raise Refused(f"specialists: {name[:64]!r} is no plain name with a folder that is there")
    return {name: Path(folder) for name, folder in given.items()}


def _text(request: dict[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value:
        raise Refused(f"{key}: give a folder")
    return value


def _bounded(request: dict[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = request.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refused(f"{key}: {str(value)[:20]} is not between {low:g} and {high:g}")
    return value


def _say(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row, allow_nan=False) + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 with a report, 2 with `{"event": "refused", "why"}` for a request or a base that cannot be used."""
    try:
        _say(share(_request(sys.stdin.buffer.read(_LARGEST)), _say))
    except (Refused, OSError, ValueError) as e:
        _say({"event": "refused", "why": str(e) or type(e).__name__})
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
