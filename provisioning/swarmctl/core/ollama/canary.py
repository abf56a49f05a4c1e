"""A prompt just below the promised context, and one just above: how long they are, and what must come of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarmctl.core.ollama.proof import Promise
from swarmctl.core.proof import Proof, outcome

WORD = " word"
FEW, MORE = 8, 40
"""Words of the two prompts by which a prompt's tokens are counted."""
_BELOW = 4
"""Tokens that stay free: the answer's one, and the one that the engine keeps for itself."""
_ABOVE = 16
_FIRST = "FIRST"
_SAME = 1
"""Tokens by which counts of one prompt may differ: some count the token that begins every text."""


def talk(words: int) -> Sequence[Mapping[str, str]]:
    """A conversation whose last question has so many words; one that is too long loses its first."""
    said = (("user", _FIRST), ("assistant", "yes"), ("user", WORD * words))
    return [{"role": role, "content": content} for role, content in said]


@dataclass(frozen=True, slots=True)
class Measure:
    """Tokens of a prompt of n words: base + slope × n. problem: why that could not be measured."""

    base: float = 0.0
    slope: float = 0.0
    problem: str = ""

    def tokens(self, words: int) -> int:
        """Tokens of a prompt with so many words."""
        return round(self.base + self.slope * words)

    def below(self, context: int) -> int:
        """Words of the longest prompt that must be taken whole."""
        return max(0, int((context - _BELOW - self.base) / self.slope))

    def above(self, context: int) -> int:
        """Words of a prompt that is too long."""
        return max(1, int((context + _ABOVE - self.base) / self.slope) + 1)


def measure(few: int, more: int) -> Measure:
    """From the tokens of a prompt of FEW words and one of MORE."""
    slope = (more - few) / (MORE - FEW)
    if few <= 0 or slope <= 0:
        return Measure(problem=f"{FEW} words count {few} tokens, {MORE} words {more}")
    return Measure(few - slope * FEW, slope)


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of a prompt, by an endpoint that took it; or what it said instead. status: of HTTP."""

    tokens: int = 0
    status: int = 200
    said: str = ""

    @property
    def refused(self) -> bool:
        """As too long, not for another reason: the words of 0.24 and of llama-server."""
        return self.status == 400 and any(word in self.said for word in ("context length", "context size"))


def below_proof(promise: Promise, wanted: int, count: Count, *, endpoint: str = "/v1/chat/completions") -> Proof:
    """A prompt just below the context is counted in full on the endpoint that agents use."""
    name, promised = "long prompt taken whole", f"{wanted} of {promise.context} tokens counted"
    evidence = f"prompt_tokens of {endpoint}"
    if count.status != 200:
        words = f"HTTP {count.status}: {count.said}"
        return Proof(name, promise.subject, promised, "no answer", words[:300], "fail", promise.mend)
    holds = abs(count.tokens - wanted) <= _SAME
    lost = "" if holds else f", {wanted - count.tokens} lost without a word"
    return Proof(
        name, promise.subject, promised, f"{count.tokens} tokens{lost}", evidence, outcome(holds), promise.mend
    )


def kept_proof(promise: Promise, below: tuple[int, str], above: str, problem: str = "") -> Proof:
    """A conversation that just fits reaches the model with its first message, by what the agents' endpoint renders.

    below: tokens of one that fits, and what is rendered of it. above: of one that does not fit, which must lose its
    first message, or else rendering shows nothing. problem: why one was not rendered. No model reads anything for it.
    """
    wanted, rendered = below
    name, promised = "fitting conversation kept whole", f"{wanted} of {promise.context} tokens rendered"
    if problem:
        return Proof(name, promise.subject, promised, "not rendered", problem[:300], "fail", promise.mend)
    evidence = "_debug_render_only on /v1/chat/completions"
    if _FIRST not in rendered:
        lost = "its first message is gone without a word"
        return Proof(name, promise.subject, promised, lost, evidence, "fail", promise.mend)
    if _FIRST in above:
        measured = "kept, and so is one that does not fit"
        reason = f"{evidence}: it does not show what is cut; `swarmctl check` lets the model count"
        return Proof(name, promise.subject, promised, measured, reason, "unknown", promise.mend)
    measured = "kept; one that does not fit loses its first message"
    return Proof(name, promise.subject, promised, measured, evidence, "pass", promise.mend)


def above_proof(promise: Promise, wanted: int, count: Count) -> Proof:
    """A prompt just above it is refused by the native API, which is asked not to truncate."""
    name, promised = "overlong prompt refused", f"{wanted} tokens are refused"
    evidence = "POST /api/chat with truncate false"
    if count.status == 200:
        measured = f"taken, as {count.tokens} tokens"
        return Proof(name, promise.subject, promised, measured, evidence, "fail", promise.mend)
    said = count.said[:200] or f"HTTP {count.status}"
    verdict = outcome(count.refused)
    return Proof(name, promise.subject, promised, f"HTTP {count.status}", f"{evidence}: {said}", verdict, promise.mend)


def same_proof(promise: Promise, agents: Count, raw: Count) -> Proof:
    """The agents' endpoint hands the model the same text: its count is that of the rendered text sent as it is."""
    name, promised = "agents' endpoint speaks the same", f"{raw.tokens} tokens, as rendered"
    bad = next((count for count in (agents, raw) if count.status != 200 or count.tokens <= 0), None)
    if bad is not None:
        reason = f"HTTP {bad.status}: {bad.said}"[:300]
        return Proof(name, promise.subject, "as rendered", "not counted", reason, "fail", promise.mend)
    holds = abs(agents.tokens - raw.tokens) <= _SAME
    evidence = "prompt_tokens of /v1/chat/completions; prompt_eval_count of the rendered text with raw true"
    return Proof(name, promise.subject, promised, f"{agents.tokens} tokens", evidence, outcome(holds), promise.mend)
