"""Proves a conversion: one JSON request on stdin, events as JSON lines, last `{"certificate": …}`.

The request: `source` (folder of published files), `gguf` (unquantised), `quants` (label → file), `corpus` (a text file,
or null for ours), `threads`, and, where they are known, `revision`, `sums` (file name → SHA-256 that was checked) and
`memory` (MiB that the proof may take; a model that needs more is run with its first layers only) and
`trust_remote_code` (the repository's own code may run; this container has no network).
"""

import hashlib
import json
import re
import subprocess  # noqa: TID251 - an island: processes of the container start where they are read
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from swarmctl.converter import cutting, divergence, logits, memory, stops, templates, tokens, weights
from swarmctl.converter.answering import Failed, serving
from swarmctl.converter.corpus import DIALOGUES, PROMPTS, TEXT
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.tensors import Refused, document, tensors

FORMAT = 1
_LONG = 200
"""Tokens of the longest prompt: beyond the sliding windows of small models."""
_QUANT = frozenset({"general.file_type", "general.quantization_version", "general.size_label"})
"""Metadata that the quantiser changes."""
_WINDOW = 128
"""Tokens of one piece of the text for divergence; half of each is measured."""


def main() -> None:
    """Reads the request and writes the certificate; what cannot be measured stands in it as an error."""
    request = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory(prefix="certify-") as scratch:
        certificate = Certifying(request, Path(scratch)).all()
    _tell({"certificate": certificate})


class Certifying:
    """One conversion under proof. scratch: an empty folder for logits of the text, and for a cut model."""

    def __init__(self, request: dict[str, Any], scratch: Path) -> None:
        self.source, self.gguf = Path(request["source"]), Path(request["gguf"])
        self.quants = {str(label): Path(path) for label, path in request.get("quants", {}).items()}
        self.corpus = Path(request["corpus"]) if request.get("corpus") else None
        self.threads = max(1, int(request.get("threads") or 1))
        self.revision, self.sums = request.get("revision"), request.get("sums") or {}
        self.memory = int(request["memory"]) << 20 if request.get("memory") else None
        self.trust = request.get("trust_remote_code") is True
        self.scratch = scratch
        self.made: dict[str, Any] = {"format": FORMAT}

    def all(self) -> dict[str, Any]:
        """Every part; one that fails is `{"error": …}` and does not keep the others from being measured."""
        begun = time.monotonic()
        self._part("source", self._source)
        self._part("tools", tools)
        self._part("gguf", self._file)
        self._part("tensors", self._tensors)
        self._asked()
        self._part("quants", self._quants)
        self.made["seconds"] = round(time.monotonic() - begun, 1)
        return self.made

    def _asked(self) -> None:
        """The parts that a tokenizer, and mostly a server, must be there for."""
        try:
            self.tokenizer = _tokenizer(self.source, trust=self.trust)
            with serving(self.gguf, self.scratch / "server.log", threads=self.threads) as self.server:
                self._part("tokens", self._tokens)
                self._part("template", lambda: templates.measure(self.server, self.tokenizer))
                self._part("stop", self._stop)
                whole = self._layers == self._config().get("num_hidden_layers")
                if whole:
                    self._part("logits", lambda: self._logits(self.source))
            if not whole:
                self._part("logits", self._cut)
        except Exception as e:  # noqa: BLE001 - whatever it is, it stands in the certificate
            for name in ("tokens", "template", "stop", "logits"):
                self.made.setdefault(name, {"error": _said(e)})

    def _part(self, name: str, measure: Callable[[], dict[str, Any]]) -> None:
        begun = time.monotonic()
        _tell({"event": "begins", "part": name})
        try:
            self.made[name] = measure()
        except Exception as e:  # noqa: BLE001 - whatever it is, it stands in the certificate
            self.made[name] = {"error": _said(e)}
        _tell({"event": "measured", "part": name, "seconds": round(time.monotonic() - begun, 2)})

    def _source(self) -> dict[str, Any]:
        files = sorted(path for path in self.source.iterdir() if path.is_file() and not path.name.startswith("."))
        listed = {
            path.name: {"bytes": path.stat().st_size, "sha256": self.sums.get(path.name) or digest(path)}
            for path in files
        }
        return {"revision": self.revision, "architectures": self._config().get("architectures"), "files": listed}

    def _file(self) -> dict[str, Any]:
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

    def _tensors(self) -> dict[str, Any]:
        return weights.measure(self.source, GGUF(self.gguf), self._config())

    def _tokens(self) -> dict[str, Any]:
        said, rows = self._json("tokenizer_config"), int(self._config().get("vocab_size") or len(self.tokenizer))
        return tokens.measure(self.server, self.tokenizer, said, rows, GGUF(self.gguf))

    def _stop(self) -> dict[str, Any]:
        return stops.measure(self.server, self.tokenizer, self._json("generation_config"), self._config())

    def _logits(self, folder: Path) -> dict[str, Any]:
        config = self._config()
        told = {
            "layers": self._layers,
            "of": config.get("num_hidden_layers"),
            "weights": config.get("torch_dtype") or config.get("dtype"),
        }
        return told | logits.measure(self.server, logits.Original(folder, trust=self.trust), self._prompts())

    def _cut(self) -> dict[str, Any]:
        layers = self._layers
        file = GGUF(self.gguf)
        cut = cutting.stored(file, layers, self.scratch / "cut.gguf")
        folder = cutting.published(self.source, tensors(self.source), layers, self.scratch / "cut")
        with serving(cut, self.scratch / "cut.log", threads=self.threads) as self.server:
            return self._logits(folder)

    @cached_property
    def _layers(self) -> int:
        """How many layers transformers can hold in f32 beside the server."""
        room = min(memory.free(), self.memory or sys.maxsize)
        return memory.layers(tensors(self.source), self._config(), room)

    def _prompts(self) -> dict[str, list[int]]:
        texts = PROMPTS | {"long": TEXT}
        prompts = {name: [int(n) for n in self.tokenizer.encode(text)][:_LONG] for name, text in texts.items()}
        if self.tokenizer.chat_template:
            dialogue = templates.rendered(self.tokenizer, DIALOGUES["one question"])
            prompts["dialogue"] = [int(n) for n in self.tokenizer.encode(dialogue, add_special_tokens=False)][-_LONG:]
        return prompts

    def _quants(self) -> dict[str, Any]:
        if not self.quants:
            return {}
        text = self.corpus or self.scratch / "text.txt"
        if not self.corpus:
            text.write_text(TEXT)
        found: dict[str, Any] = {}
        with divergence.base(self.gguf, text, self.scratch, threads=self.threads, window=_WINDOW) as measure:
            for label, path in self.quants.items():
                found[label] = self._quant(path, measure)
                _tell({"event": "quant", "label": label, **found[label]})
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
            return about | {"error": _said(e)}

    def _config(self) -> dict[str, Any]:
        config = document(self.source / "config.json")
        inner = config.get("text_config")
        return config | inner if isinstance(inner, dict) else config

    def _json(self, name: str) -> dict[str, Any]:
        path = self.source / f"{name}.json"
        return document(path) if path.is_file() else {}


def tools() -> dict[str, Any]:
    """Names and versions of what measures."""
    found: dict[str, Any] = {name: metadata.version(name) for name in ("gguf", "transformers", "tokenizers", "torch")}
    said = subprocess.run(("llama-server", "--version"), capture_output=True, text=True, timeout=60, check=False)
    version = re.search(r"version: (.+)", said.stdout + said.stderr)
    return found | {"llama.cpp": version[1].strip() if version else None, "python": sys.version.split()[0]}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tokenizer(folder: Path, *, trust: bool) -> Any:
    from transformers import AutoTokenizer  # noqa: PLC0415 - two seconds, and only here

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=trust)


def _said(e: BaseException) -> str:
    text = " ".join(str(e).split())[:300]
    return text if isinstance(e, Refused | Failed) else f"{type(e).__name__}: {text}"


def _tell(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
