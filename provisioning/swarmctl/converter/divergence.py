"""How far each quantisation is from the unquantised file on one text, by llama-perplexity's own measure."""

import re
import subprocess  # noqa: TID251 - an island: processes of the container start where they are read
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swarmctl.converter.answering import Failed, last

_FIGURES = {
    "kl": r"Mean +KLD: +(\S+)",
    "kl_error": r"Mean +KLD: +\S+ +± +(\S+)",
    "median": r"Median +KLD: +(\S+)",
    "p99": r"99\.0% +KLD: +(\S+)",
    "largest": r"Maximum +KLD: +(\S+)",
    "same_top": r"Same top p: +(\S+)",
    "perplexity": r"Mean PPL\(Q\) +: +(\S+)",
    "base_perplexity": r"Mean PPL\(base\) +: +(\S+)",
}
_LIMIT = 24 * 3600
_CHUNKS = 16
"""Pieces of the text at most: with 262,144 tokens and windows of 128 their logits take 540 MB."""


@contextmanager
def base(
    model: Path, text: Path, scratch: Path, *, threads: int, window: int
) -> Iterator[Callable[[Path], dict[str, Any]]]:
    """Logits of the unquantised file on a text, for as long as the block lasts; what is handed out measures one file.

    window: tokens of one piece of the text. Raises Failed.
    """
    kept = scratch / "base.logits"
    common = (
        "-c",
        str(window),
        "-b",
        str(window),
        "--chunks",
        str(_CHUNKS),
        "-t",
        str(threads),
        "-fit",
        "off",
        "--offline",
        "--no-warmup",
    )
    try:
        _run(("-m", str(model), "-f", str(text), "--kl-divergence-base", str(kept), *common), scratch / "base.log")
        yield lambda quant: _measure(quant, kept, common, scratch)
    finally:
        kept.unlink(missing_ok=True)


def read(said: str) -> dict[str, Any]:
    """The figures that llama-perplexity prints; None for one that is no number. Raises Failed where none is there."""
    found = {}
    for name, pattern in _FIGURES.items():
        got = re.search(pattern, said)
        if got:
            found[name] = _number(got[1])
    if "kl" not in found:
        raise Failed(f"llama-perplexity says no divergence: {said[-200:]}")
    return found


def _measure(quant: Path, kept: Path, common: tuple[str, ...], scratch: Path) -> dict[str, Any]:
    log = scratch / "quant.log"
    _run(("-m", str(quant), "--kl-divergence-base", str(kept), "--kl-divergence", *common), log)
    return read(log.read_text(errors="replace"))


def _run(words: tuple[str, ...], log: Path) -> None:
    with log.open("wb") as out:
        command = ("llama-perplexity", *words)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=_LIMIT, check=False)
    if done.returncode:
        raise Failed(f"llama-perplexity ended with {done.returncode}: {last(log)}")


def _number(text: str) -> float | None:
    try:
        value = float(text.rstrip("%"))
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN is unlike itself
