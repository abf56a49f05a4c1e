"""What proofs have in common: parts measured one by one, the file itself, and quantisations held against it."""

import hashlib
import json
import re
import subprocess  # noqa: TID251 - an island: processes of the container start where they are read
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from swarmctl.converter import divergence
from swarmctl.converter.answering import Failed
from swarmctl.converter.corpus import TEXT
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.tensors import Refused

FORMAT = 2
_QUANT = frozenset({"general.file_type", "general.quantization_version", "general.size_label"})
"""Metadata that the quantiser changes."""
_WINDOW = 128
"""Tokens of one piece of the text for divergence; half of each is measured."""


class Measuring:
    """One file under proof. scratch: an empty folder for what is written meanwhile."""

    def __init__(self, request: dict[str, Any], scratch: Path) -> None:
        self.gguf = Path(request["gguf"])
        self.quants = {str(label): Path(path) for label, path in request.get("quants", {}).items()}
        self.corpus = Path(request["corpus"]) if request.get("corpus") else None
        self.threads = max(1, int(request.get("threads") or 1))
        self.revision, self.sums = request.get("revision"), request.get("sums") or {}
        self.scratch = scratch
        self.made: dict[str, Any] = {"format": FORMAT}
        self._begun = time.monotonic()

    def ended(self) -> dict[str, Any]:
        """All that was measured, with the seconds that it took."""
        self.made["seconds"] = round(time.monotonic() - self._begun, 1)
        return self.made

    def part(self, name: str, measure: Callable[[], dict[str, Any]]) -> None:
        """One part; where it fails it is `{"error": …}`, and the others are measured all the same."""
        begun = time.monotonic()
        tell({"event": "begins", "part": name})
        try:
            self.made[name] = measure()
        except Exception as e:  # noqa: BLE001 - whatever it is, it stands in the certificate
            self.made[name] = {"error": said(e)}
        tell({"event": "measured", "part": name, "seconds": round(time.monotonic() - begun, 2)})

    def file(self) -> dict[str, Any]:
        """The part about the file that was made, or given."""
        file = GGUF(self.gguf)
        kinds = {tensor.kind or f"type {tensor.type}" for tensor in file.tensors.values()}
        return {
            "bytes": self.gguf.stat().st_size,
            "sha256": digest(self.gguf),
            "architecture": file.architecture,
            "layers": file.layers,
            "types": sorted(kinds),
            "tokenizer": file.values.get("tokenizer.ggml.pre"),
        }

    def quantised(self) -> dict[str, Any]:
        """The part about quantisations of the file."""
        if not self.quants:
            return {}
        text = self.corpus or self.scratch / "text.txt"
        if not self.corpus:
            text.write_text(TEXT)
        found: dict[str, Any] = {}
        with divergence.base(self.gguf, text, self.scratch, threads=self.threads, window=_WINDOW) as measure:
            for label, path in self.quants.items():
                found[label] = self._quant(path, measure)
                tell({"event": "quant", "label": label, **found[label]})
        return found

    def _quant(self, path: Path, measure: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        file, whole, size = GGUF(path), GGUF(self.gguf), path.stat().st_size
        values = sum(tensor.count for tensor in file.tensors.values())
        about = {
            "bytes": size,
            "sha256": digest(path),
            "bits": round(8 * (size - file.begin) / max(values, 1), 3),
            "changed": [name for name in whole.values if name not in _QUANT and file.raw(name) != whole.raw(name)],
        }
        try:
            return about | measure(path)
        except (Failed, subprocess.TimeoutExpired) as e:
            return about | {"error": said(e)}


def tools() -> dict[str, Any]:
    """Names and versions of what measures."""
    found: dict[str, Any] = {name: metadata.version(name) for name in ("gguf", "transformers", "tokenizers", "torch")}
    told = subprocess.run(("llama-server", "--version"), capture_output=True, text=True, timeout=60, check=False)
    version = re.search(r"version: (.+)", told.stdout + told.stderr)
    return found | {"llama.cpp": version[1].strip() if version else None, "python": sys.version.split()[0]}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def said(e: BaseException) -> str:
    """What an exception has to say, on one line."""
    text = " ".join(str(e).split())[:300]
    return text if isinstance(e, Refused | Failed) else f"{type(e).__name__}: {text}"


def tell(event: dict[str, Any]) -> None:
    """A line of JSON."""
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
