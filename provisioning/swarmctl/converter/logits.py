"""First-token log-probabilities of the GGUF file held against the published weights, which transformers runs in f32."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from swarmctl.converter.answering import Failed, Server

TOP = 256
"""Tokens that llama-server is asked for."""
_FIRST = 32
"""Tokens whose log-probabilities are compared one by one; less likely ones weigh in the divergence."""

_FORCED = 1e6
_TIE = 0.05
"""Nats between two tokens that may change places as the first."""


class Original:
    """The published model, whole or its first layers. folder: as published, or cut. trust: its own code may run."""

    def __init__(self, folder: Path, *, trust: bool = False) -> None:
        import torch  # noqa: PLC0415 - two seconds, and only here
        from transformers import AutoModelForCausalLM  # noqa: PLC0415

        self._torch = torch
        self._model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=trust,
        )
        self._model.eval()

    def first(self, ids: Sequence[int]) -> npt.NDArray[np.float64]:
        """Log-probabilities of the token after these."""
        with self._torch.no_grad():
            last = self._model(self._torch.tensor([list(ids)])).logits[0, -1]
            found: npt.NDArray[np.float64] = last.double().log_softmax(-1).numpy()
        return found


def measure(server: Server, original: Original, prompts: dict[str, list[int]]) -> dict[str, Any]:
    """The part of the certificate about log-probabilities. prompts: ids, so that tokenizers play no part."""
    rows = [{"prompt": name, "tokens": len(ids), **_one(server, original, ids)} for name, ids in prompts.items() if ids]
    return {
        "prompts": rows,
        "kl": worst([row["kl"] for row in rows]),
        "largest": worst([row["largest"] for row in rows]),
        "same_first": sum(row["same_first"] for row in rows),
    }


def _one(server: Server, original: Original, ids: list[int]) -> dict[str, Any]:
    got = first(server, ids)
    expected = original.first(ids)
    divergence, largest = compare(expected, got)
    best = max(got, key=lambda token: got[token])
    close = float(expected.max() - expected[best]) if best < len(expected) else math.inf
    return {"kl": _finite(divergence), "largest": _finite(largest), "same_first": close <= _TIE}


def worst(figures: list[float | None]) -> float | None:
    """The largest; None where one of them, or all, are no number."""
    known = [figure for figure in figures if figure is not None]
    return max(known) if known and len(known) == len(figures) else None


def first(server: Server, ids: list[int]) -> dict[int, float]:
    """Log-probabilities of the most likely next tokens, as llama-server says them."""
    # It says none where what it picks is no whole letter or ends the answer; forcing a letter leaves them as they are.
    plain = server.tokens("a", special=False)[-1]
    said = server.ask(
        "completion", prompt=ids, n_predict=1, n_probs=TOP, temperature=0.0, cache_prompt=False,
        logit_bias=[[plain, _FORCED]],
    )  # fmt: skip
    if not said.get("completion_probabilities"):
        raise Failed(f"llama-server gives no log-probabilities after {len(ids)} tokens")
    rows = said["completion_probabilities"][0]["top_logprobs"]
    return {int(row["id"]): _number(row["logprob"]) for row in rows}


def compare(expected: npt.NDArray[np.float64], got: dict[int, float]) -> tuple[float, float]:
    """Kullback-Leibler divergence in nats, and the largest difference among the most likely tokens.

    Tokens that `got` leaves out are one more outcome together, which can only make the divergence smaller. NaN where
    either side has no numbers.
    """
    known = [token for token in got if 0 <= token < len(expected)]
    if len(known) < len(got) or not known:
        return math.inf, math.inf
    ours = np.array([got[token] for token in known])
    theirs = expected[known]
    if not (np.isfinite(ours).all() and np.isfinite(expected).any() and not np.isnan(expected).any()):
        return math.nan, math.nan
    rest = max(1.0 - float(np.exp(theirs).sum()), 1e-12), max(1.0 - float(np.exp(ours).sum()), 1e-12)
    divergence = float((np.exp(theirs) * (theirs - ours)).sum()) + rest[0] * math.log(rest[0] / rest[1])
    least = float(ours.min())
    top = np.argsort(-expected)[:_FIRST]
    largest = max(abs(float(expected[token]) - got.get(int(token), least)) for token in top)
    return max(divergence, 0.0), largest


def _finite(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _number(said: Any) -> float:
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else math.nan
