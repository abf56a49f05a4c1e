"""Seven models as they are published: a larger one that leads, a base, and five specialists that are edits of it."""

import shutil
from pathlib import Path

from fakes import tinymodels
from fakes.specialists import direction, without

ARCH = "Qwen2ForCausalLM"
LEAD, BASE = "lead", "coder"
SPECIALISTS = ("frontend", "testing", "security", "docs", "devops")
_HIDDEN = 64
_EVERYWHERE = ("o_proj", "down_proj", "embed_tokens")
"""What the last specialist leaves: its adapter needs a head of its own in the base, whose head is the embedding."""


def make_seven(folder: Path) -> Path:
    """Folders `lead`, `coder` and one for each specialist, in bf16 with random weights; 20 MB each, `lead` 40.

    Each specialist cannot write one direction that the base can; the last one cannot read it in the embedding either.
    Skips the test where the tokenizer cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tinymodels.make(folder / LEAD, ARCH, seed=1, hidden=2 * _HIDDEN, layers=3)
    tinymodels.make(folder / BASE, ARCH, seed=2, hidden=_HIDDEN)
    for n, name in enumerate(SPECIALISTS):
        specialist(folder, name, n)
    return folder


def specialist(folder: Path, name: str, n: int) -> None:
    """One more edit of the base beside it. n: what it cannot write."""
    parts = _EVERYWHERE if name == SPECIALISTS[-1] else _EVERYWHERE[:2]
    gone = direction(_HIDDEN, n)
    shutil.copytree(folder / BASE, folder / name)
    tinymodels.edit(folder / name, lambda tensors: tensors.update(without(tensors, gone, parts=parts)))
