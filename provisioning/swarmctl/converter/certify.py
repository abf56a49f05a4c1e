"""Proves a conversion: one JSON request on stdin, events as JSON lines, last `{"certificate": …}`.

The request: `source` (folder of published files; null for a file that was published as GGUF), `gguf` (unquantised, or
that file), `quants` (label → file), `corpus` (a text file, or null for ours), `threads`, and, where they are known,
`revision`, `sums` (file name → SHA-256 that was checked) and `memory` (MiB that the proof may take; a model that needs
more is run with its first layers only) and `trust_remote_code` (the repository's own code may run; this container has
no network).
"""

import json
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from swarmctl.converter import cutting, logits, memory, stops, templates, tokens, weights
from swarmctl.converter.answering import serving
from swarmctl.converter.corpus import DIALOGUES, PROMPTS, TEXT
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.measuring import Measuring, digest, said, tell, tools
from swarmctl.converter.ofgguf import OfGguf
from swarmctl.converter.tensors import document, tensors

_LONG = 200
"""Tokens of the longest prompt: beyond the sliding windows of small models."""


def main() -> None:
    """Reads the request and writes the certificate; what cannot be measured stands in it as an error."""
    request = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory(prefix="certify-") as scratch:
        proof = Certifying if request.get("source") else OfGguf
        certificate = proof(request, Path(scratch)).all()
    tell({"certificate": certificate})


class Certifying(Measuring):
    """One conversion under proof. scratch: an empty folder for logits of the text, and for a cut model."""

    def __init__(self, request: dict[str, Any], scratch: Path) -> None:
        super().__init__(request, scratch)
        self.source = Path(request["source"])
        self.memory = int(request["memory"]) << 20 if request.get("memory") else None
        self.trust = request.get("trust_remote_code") is True

    def all(self) -> dict[str, Any]:
        """Every part; one that fails is `{"error": …}` and does not keep the others from being measured."""
        self.made["against"] = "weights"
        self.part("source", self._source)
        self.part("tools", tools)
        self.part("gguf", self.file)
        self.part("tensors", self._tensors)
        self._asked()
        self.part("quants", self.quantised)
        return self.ended()

    def _asked(self) -> None:
        """The parts that a tokenizer, and mostly a server, must be there for."""
        try:
            self.tokenizer = _tokenizer(self.source, trust=self.trust)
            with serving(self.gguf, self.scratch / "server.log", threads=self.threads) as self.server:
                self.part("tokens", self._tokens)
                self.part("template", lambda: templates.measure(self.server, self.tokenizer))
                self.part("stop", self._stop)
                whole = self._layers == self._config().get("num_hidden_layers")
                if whole:
                    self.part("logits", lambda: self._logits(self.source))
            if not whole:
                self.part("logits", self._cut)
        except Exception as e:  # noqa: BLE001 - whatever it is, it stands in the certificate
            for name in ("tokens", "template", "stop", "logits"):
                self.made.setdefault(name, {"error": said(e)})

    def _source(self) -> dict[str, Any]:
        files = sorted(path for path in self.source.iterdir() if path.is_file() and not path.name.startswith("."))
        listed = {
            path.name: {"bytes": path.stat().st_size, "sha256": self.sums.get(path.name) or digest(path)}
            for path in files
        }
        return {"revision": self.revision, "architectures": self._config().get("architectures"), "files": listed}

    def _tensors(self) -> dict[str, Any]:
        return weights.measure(self.source, GGUF(self.gguf), self._config())

    def _tokens(self) -> dict[str, Any]:
        told, rows = self._json("tokenizer_config"), int(self._config().get("vocab_size") or len(self.tokenizer))
        return tokens.measure(self.server, self.tokenizer, told, rows, GGUF(self.gguf))

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

    def _config(self) -> dict[str, Any]:
        config = document(self.source / "config.json")
        inner = config.get("text_config")
        return config | inner if isinstance(inner, dict) else config

    def _json(self, name: str) -> dict[str, Any]:
        path = self.source / f"{name}.json"
        return document(path) if path.is_file() else {}


def _tokenizer(folder: Path, *, trust: bool) -> Any:
    from transformers import AutoTokenizer  # noqa: PLC0415 - two seconds, and only here

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=trust)


if __name__ == "__main__":
    main()
