"""Merges a PEFT adapter into its base: a JSON request on stdin, a folder as the base's, a JSON line out.

`{"base": folder, "adapter": folder, "out": folder}`. Matrix by matrix W + B·A, in blocks of rows, rounded to the type
that the base has; everything else is copied byte by byte.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from swarmctl.converter import lora
from swarmctl.converter.alike import tied
from swarmctl.converter.lora import Product
from swarmctl.converter.rounding import rounded
from swarmctl.converter.tensors import FLOATS, Array, Refused, Tensor, document, tensors

_BLOCK = 1 << 22
"""Values of a block: 16 MiB as f32."""
_CHUNK = 1 << 24
_EMBEDDING, _HEAD = "embed_tokens.weight", "lm_head.weight"
_WORDS = ("tokenizer.json", "tokenizer.model")
_SPEECH = (
    *_WORDS, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "chat_template.jinja", "chat_template.json",
)  # fmt: skip
"""What a trainer saves beside an adapter: as it was trained, it is to be asked."""


def merge(base: Path, adapter: Path, out: Path) -> dict[str, int]:
    """How many matrices changed. Raises Refused for an adapter that is not of this base; nothing is left then."""
    listed = tensors(base)
    found = _matched(listed, lora.products(adapter), document(base / "config.json"))
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    try:
        for file in sorted({tensor.file for tensor in listed.values()}):
            _shard(file, [tensor for tensor in listed.values() if tensor.file == file], found, out / file.name)
        for path in (*_beside(base), *_speech(adapter)):
            shutil.copyfile(path, out / path.name)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return {"merged": len(found), "tensors": len(listed)}


def _matched(listed: Mapping[str, Tensor], products: list[Product], config: dict[str, Any]) -> dict[str, Product]:
    """Products by the tensor that they change."""
    found: dict[str, Product] = {}
    is_tied = tied(config, set(listed))
    for product in products:
        name = f"{product.module}.weight"
        if is_tied and name.endswith((_EMBEDDING, _HEAD)):
            raise Refused(f"{name[:80]}: the base's head is its embedding, and one of them changes alone; "
                          "--share-base keeps such an adapter beside its base")  # fmt: skip
        tensor = listed.get(name)
        if tensor is None:
            raise Refused(f"{name[:80]}: the base has no such matrix; it is the adapter of another model")
        if tensor.shape != (product.b.shape[0], product.a.shape[1]):
            shape = f"{product.b.shape[0]} × {product.a.shape[1]}"
            raise Refused(
                f"{name[:80]}: the adapter's shape is {shape}, the base's {' × '.join(map(str, tensor.shape))}"
            )
        if tensor.kind not in FLOATS:
            raise Refused(f"{name[:80]}: the base has it as {tensor.kind}; {', '.join(FLOATS)} can be added to")
        found[name] = product
    return found


def _shard(file: Path, held: list[Tensor], found: Mapping[str, Product], target: Path) -> None:
    """The same file, header and all, with its changed matrices in place of theirs."""
    with file.open("rb") as source, target.open("wb") as out:
        at = 0
        for tensor in sorted(held, key=lambda one: one.start):
            product = found.get(tensor.name)
            if product is None:
                continue
            _copy(source, out, at, tensor.start)
            for block in _changed(tensor, product):
                out.write(block)
            at = tensor.start + tensor.size
        _copy(source, out, at, file.stat().st_size)


def _copy(source: BinaryIO, out: BinaryIO, first: int, last: int) -> None:
    source.seek(first)
    left = last - first
    while left > 0 and (data := source.read(min(left, _CHUNK))):
        left -= out.write(data)


def _changed(tensor: Tensor, product: Product) -> Iterator[bytes]:
    step = max(1, _BLOCK // max(1, tensor.columns))
    for first in range(0, tensor.rows, step):
        last = min(tensor.rows, first + step)
        yield _bytes(tensor.read(first, last) + product.b[first:last] @ product.a, tensor.kind)


def _bytes(values: Array, kind: str) -> bytes:
    if kind == "BF16":
        kept = np.ascontiguousarray(rounded(np.ascontiguousarray(values, np.float32), kind))
        return (kept.view("<u4") >> np.uint32(16)).astype("<u2").tobytes()
    return values.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[kind]).tobytes()


def _beside(base: Path) -> list[Path]:
    return [path for path in sorted(base.iterdir()) if path.is_file() and path.suffix != ".safetensors"]


def _speech(adapter: Path) -> list[Path]:
    """Its own tokenizer and template, where it has a whole tokenizer, or else its template alone."""
    if any((adapter / name).is_file() for name in _WORDS):
        return [path for name in _SPEECH if (path := adapter / name).is_file()]
    own = adapter / "chat_template.jinja"
    return [own] if own.is_file() else []


def main() -> int:
    """0 when it is done, 2 with `{"event": "refused", "why"}` for an adapter that cannot be merged."""
    request = json.loads(sys.stdin.readline())
    try:
        done = merge(*(Path(str(request[name])) for name in ("base", "adapter", "out")))
    except Refused as e:
        print(json.dumps({"event": "refused", "why": str(e)}), flush=True)  # noqa: T201 - this is what it says
        return 2
    print(json.dumps({"event": "merged", **done}), flush=True)  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(main())
