"""Judging a gateway: what it offers, whether its engines hold what it needs, and whether each name is its own model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarmctl.core.engineproof import Answer
from swarmctl.core.hints import logs
from swarmctl.core.proof import Proof, outcome

Likely = Mapping[str, float]
"""The likeliest first tokens of an answer, with their log-probabilities."""
LEAST = 1e-4
"""Log-probabilities of two models that differ by less are those of one."""
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Said:
    """What would come first. asked: through the gateway. alone: by the engine itself, with nothing but the adapter.

    base: the same without any; None where the model is the base. Strings say why nothing is known.
    """

    asked: Likely | str
    alone: Likely | str
    base: Likely | str | None


def health_proof(swarm: str, service: str, said: Any, why: str) -> Proof:
    """Every adapter is listed in its place and silent, every slot is there. said: of `GET /health`, None for none."""
    wrong = said.get("wrong") if isinstance(said, dict) else None
    good = isinstance(wrong, list) and not wrong and said.get("status") == "ok"
    measured = "all of it" if good else "; ".join(map(str, wrong[:_SHOWN])) if isinstance(wrong, list) else why
    promised = "every adapter in its place and silent, every slot"
    return Proof("adapters and slots", service, promised, measured, "GET /health", outcome(good), logs(swarm, service))


def offered_proof(swarm: str, service: str, wanted: Sequence[str], listed: Sequence[str] | str) -> Proof:
    """It offers the models of this swarm under their names. A string says why nothing is known."""
    promised = ", ".join(wanted)
    if isinstance(listed, str):
        return Proof("models offered", service, promised, "not known", listed, "fail", logs(swarm, service))
    measured = ", ".join(listed) or "none"
    holds = outcome(sorted(listed) == sorted(wanted))
    return Proof("models offered", service, promised, measured, "GET /v1/models", holds, logs(swarm, service))


def answer_proof(swarm: str, service: str, model: str, said: Answer | str, floor: float, golden: str) -> Proof:
    """A real answer under the model's name, fast enough, that begins as it did when it was first proved."""
    promised = f"an answer at {floor:g} tokens/s or more" + (f", {golden!r}" if golden else "")
    if isinstance(said, str):
        return Proof("answers", f"model {model}", promised, "no answer", said, "fail", logs(swarm, service))
    text = said.text.strip()
    holds = bool(text) and said.tokens > 0 and said.rate >= floor and text.startswith(golden)
    measured = f"{said.tokens} tokens at {said.rate:.1f} tokens/s"
    return Proof("answers", f"model {model}", promised, measured, repr(text[:60]), outcome(holds), logs(swarm, service))


def own_proof(swarm: str, service: str, model: str, said: Said) -> Proof:
    """A name is its own adapter: it answers as that adapter alone does, and not as the base."""
    asked, alone, base = said.asked, said.alone, said.base
    name, promised = "is its own model", "as its adapter alone, not as the base" if base is not None else "as the base"
    subject, mend = f"model {model}", logs(swarm, service)
    if isinstance(asked, str) or isinstance(alone, str) or isinstance(base, str):
        why = next(one for one in (asked, alone, base) if isinstance(one, str))
        return Proof(name, subject, promised, "not known", why, "fail", mend)
    near, far = distance(asked, alone), None if base is None else distance(alone, base)
    holds = near <= LEAST * 100 if far is None else far > LEAST and near < far / 2
    measured = f"{near:.1e} from it" + ("" if far is None else f", the base {far:.1e}")
    evidence = "log-probabilities of the first token, through the gateway and by the engine"
    return Proof(name, subject, promised, measured, evidence, outcome(holds), mend)


def distance(one: Likely, other: Likely) -> float:
    """The largest difference among tokens that both name; what only one names is as far as can be."""
    both = one.keys() & other.keys()
    return max((abs(one[token] - other[token]) for token in both), default=float("inf"))
