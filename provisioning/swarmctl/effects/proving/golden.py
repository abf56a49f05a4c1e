"""Remembers how models began their answers when a stack was first proved: later they must begin alike."""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path

from swarmctl.core.proof import Proof
from swarmctl.effects import files

_LETTERS = 4
"""At temperature 0 an answer begins alike; further on a last bit of a sum may turn it."""


def golden(path: Path, stack: str) -> Mapping[str, str]:
    """By model; empty when this form of the stack was never proved."""
    raw = files.read_json(path)
    known = raw.get("answers") if isinstance(raw, dict) and raw.get("stack") == stack else None
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def keep(path: Path, stack: str, proofs: Sequence[Proof]) -> None:
    """Remember answers that passed, of models of which none is remembered."""
    known = golden(path, stack)
    found = {
        proof.subject.removeprefix("model "): _beginning(proof.evidence)
        for proof in proofs
        if proof.name == "answers" and proof.verdict == "pass" and proof.subject.startswith("model ")
    }
    if more := {model: text for model, text in found.items() if text and model not in known}:
        files.write_json(path, {"stack": stack, "answers": {**more, **known}})


def _beginning(evidence: str) -> str:
    """Of an answer that evidence quotes."""
    try:
        text = ast.literal_eval(evidence)
    except (ValueError, SyntaxError):
        return ""
    return text[:_LETTERS].rstrip() if isinstance(text, str) else ""
