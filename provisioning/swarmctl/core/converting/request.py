"""What `convert` is asked for: sources by kind, quantisations, and options that change the result."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from swarmctl.core.quantisation import QUANTS
from swarmctl.errors import SpecError

Kind = Literal["folder", "gguf", "hub", "ollama", "adapter"]

PLAIN = ("F32", "BF16", "F16")
"""Not quantised: what the conversion itself writes."""
OTHERS = (
    "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_S", "Q4_1", "Q4_0", "IQ4_NL", "Q3_K_L", "Q3_K_S", "IQ3_M", "IQ3_S", "IQ3_XS",
    "IQ3_XXS", "Q2_K_S", "IQ2_M", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S",
)  # fmt: skip
"""What llama-quantize knows beyond those that are planned; their sizes are estimates."""
NEED_MATRIX = frozenset({"IQ3_XXS", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S", "Q2_K_S"})
"""llama-quantize refuses these without an importance matrix."""
KNOWN = (*dict.fromkeys((*PLAIN, *QUANTS, *OTHERS)),)

USUAL = "Q4_K_M"
"""What becomes of a model where nobody says."""
AUTO = "auto:"
"""An importance matrix that is measured here."""

_REPOSITORY = re.compile(r"(?:hf:)?(\w[\w.-]{0,95}/\w[\w.-]{0,95})(?:@([\w][\w./-]{0,99}))?")
_OLLAMA = re.compile(r"ollama:([a-z0-9][\w./-]{0,127})(?::([\w][\w.-]{0,79}))?")
_NAME = re.compile(r"[^a-z0-9]+")
COMMIT = re.compile(r"[0-9a-f]{40}")
"""A revision that names one content for ever."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One source. where: path, repository, or model of Ollama. revision: of a repository, or the tag of a model.

    name: for people and files; lower-case letters, digits and dashes. over: files laid over those of a folder, as pairs
    of name and path: the head of a base that adapters need one for.
    """

    kind: Kind
    where: str
    name: str
    revision: str = ""
    base: str = ""
    over: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What else changes the result. matrix: hash of an importance matrix's content, `auto:` and that of the text that
    it is measured on, or "" for none.

    trust: code of the repository may run, in the container without a network.
    """

    matrix: str = ""
    trust: bool = False


def asked(text: str, there: Literal["", "file", "folder", "adapter"], base: str = "") -> Asked:
    """What a word of the command line names. there: what is at that path on this machine, "" for nothing.

    base: of an adapter, the model that it was trained on. Raises SpecError for what names nothing.
    """
    if there == "adapter":
        return Asked("adapter", text, named(text), base=base)
    if there == "folder":
        return Asked("folder", text, named(text))
    if there == "file":
        return _file(text)
    if found := _OLLAMA.fullmatch(text):
        tag = found[2] or "latest"
        return Asked("ollama", found[1], named(f"{found[1]}-{tag}" if found[2] else found[1]), tag)
    if (found := _REPOSITORY.fullmatch(text)) and ".." not in text:
        return Asked("hub", found[1], named(found[1]), found[2] or "main", base)
    raise SpecError(
        f"{text[:100]!r} is no source: there is no such file or folder here, and it names no repository",
        hint="a folder of safetensors or of an adapter, a .gguf file, owner/name@revision, or ollama:name:tag",
    )


def _file(text: str) -> Asked:
    if text.endswith(".gguf"):
        return Asked("gguf", text, named(text.removesuffix(".gguf")))
    if text.endswith(".safetensors"):
        raise SpecError(f"{text} is one file of a model; its config.json and tokenizer are needed too",
                        hint=f"name its folder: {text.rpartition('/')[0] or '.'}")  # fmt: skip
    raise SpecError(f"{text} is neither a folder of safetensors nor a .gguf file")


def named(where: str) -> str:
    """A name for files and people: the last part of a path or repository."""
    last = where.rstrip("/").rpartition("/")[2] or where
    return _NAME.sub("-", last.lower()).strip("-")[:60] or "model"


def quants(texts: Iterable[str]) -> tuple[str, ...]:
    """Quantisations as they are asked for, `Q4_K_M,q8_0`, each once, in that order. Raises SpecError."""
    words = [word.strip().upper() for text in texts for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in KNOWN]
    if unknown or not words:
        said = f"{unknown[0][:40]!r} is no quantisation that llama-quantize makes" if unknown else "no quantisation"
        raise SpecError(said, hint=f"one of {', '.join(KNOWN)}")
    return tuple(dict.fromkeys(words))


def check(wanted: Iterable[str], matrix: str) -> None:
    """Raises SpecError for quantisations that cannot be made without an importance matrix, where there is none."""
    low = [quant for quant in wanted if quant in NEED_MATRIX]
    if low and not matrix:
        raise SpecError(
            f"{', '.join(low)} cannot be made without an importance matrix", hint="--imatrix auto, or --imatrix FILE"
        )
