"""Proves how a model of Ollama is spoken to: its format, its tools, and prompts at the edge of its context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from swarmctl.core.chatformat import TALK
from swarmctl.core.modelfile import OWN
from swarmctl.core.ollama.api import Shown
from swarmctl.core.ollama.canary import (
    FEW,
    MORE,
    Count,
    Measure,
    above_proof,
    below_proof,
    kept_proof,
    measure,
    same_proof,
)
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.ollama.speaking import TOOL, format_proof, tools_proof
from swarmctl.core.proof import Proof
from swarmctl.effects.engines.ollamatalk import OllamaTalk

Long = Literal["quick", "one", "all"]
"""Which models read a prompt as long as their context: `one` a server, the one with the shortest; `quick` that one if
it is on a card, where reading takes seconds and not minutes."""


@dataclass(frozen=True, slots=True)
class Speech:
    """How a model is to be spoken to. family: its chat format. stops: its stop words. tools: the format has them."""

    family: str
    stops: tuple[str, ...] = ()
    tools: bool = False

    @property
    def own(self) -> bool:
        """The file's own template is used: its words are its own matter."""
        return self.family == OWN


def speech_proofs(
    url: str,
    promises: Sequence[Promise],
    speech: Mapping[str, Speech],
    shown: Mapping[str, Shown | None],
    *,
    long: Long,
) -> list[Proof]:
    """For each model whose format is promised. long: which of them read a prompt as long as their context.

    Never raises for what the server does.
    """
    told = [promise for promise in promises if promise.model in speech]
    least = min(told, key=lambda promise: promise.context, default=None)
    found: list[Proof] = []
    with OllamaTalk(url) as talk:
        for promise in told:
            found += _spoken(talk, promise, speech[promise.model], shown.get(promise.model))
            chosen = promise is least and (long == "one" or promise.device != "cpu")
            found += _edges(talk, promise, long=long == "all" or chosen)
    return found


def _spoken(talk: OllamaTalk, promise: Promise, speech: Speech, shown: Shown | None) -> list[Proof]:
    rendered, problem = talk.render(promise.model, TALK)
    tooled, trouble = talk.render(promise.model, [{"role": "user", "content": "GO"}], [TOOL])
    if "does not support tools" in trouble:
        tooled, trouble = "", ""  # that is how the engine says that the format has none
    can = None if speech.own else speech.tools
    return [
        format_proof(promise, speech.family, rendered, problem),
        tools_proof(promise, can, shown.capabilities if shown else (), tooled, trouble),
    ]


def _edges(talk: OllamaTalk, promise: Promise, *, long: bool) -> list[Proof]:
    """A prompt's tokens are counted on two short ones, so that the long ones are as long as they should be."""
    agents, raw = talk.agents(promise.model, FEW), talk.raw(promise.model, FEW)
    found = [same_proof(promise, agents, raw)]
    size = measured(agents, talk.agents(promise.model, MORE))
    if size.problem:
        failed = Count(0, 0, f"prompts are not counted: {size.problem}")
        return [*found, below_proof(promise, promise.context, failed), above_proof(promise, promise.context, failed)]
    fits, over = size.below(promise.context), size.above(promise.context)
    (kept, problem), (cut, trouble) = (talk.agents_render(promise.model, words) for words in (fits, over))
    found.append(kept_proof(promise, (size.tokens(fits), kept), cut, problem or trouble))
    if long:
        found.append(below_proof(promise, size.tokens(fits), talk.agents(promise.model, fits)))
    return [*found, above_proof(promise, size.tokens(over), talk.native(promise.model, over))]


def measured(few: Count, more: Count) -> Measure:
    """How prompts grow, by two of them that were counted."""
    bad = next((count for count in (few, more) if count.status != 200), None)
    return Measure(problem=f"HTTP {bad.status}: {bad.said}") if bad else measure(few.tokens, more.tokens)
