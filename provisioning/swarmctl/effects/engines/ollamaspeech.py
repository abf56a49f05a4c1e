"""Proves how a model of Ollama is spoken to: its format, its tools, and prompts at the edge of its context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    measure,
    same_proof,
)
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.ollama.speaking import TOOL, format_proof, tools_proof
from swarmctl.core.proof import Proof
from swarmctl.effects.engines.ollamatalk import OllamaTalk


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
    whole: bool,
) -> list[Proof]:
    """For each model whose format is promised. whole: the long prompt goes to each, otherwise to the shortest context.

    Never raises for what the server does.
    """
    told = [promise for promise in promises if promise.model in speech]
    least = min(told, key=lambda promise: promise.context, default=None)
    found: list[Proof] = []
    with OllamaTalk(url) as talk:
        for promise in told:
            found += _spoken(talk, promise, speech[promise.model], shown.get(promise.model))
            found += _edges(talk, promise, long=whole or promise is least)
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
    if long:
        words = size.below(promise.context)
        found.append(below_proof(promise, size.tokens(words), talk.agents(promise.model, words)))
    words = size.above(promise.context)
    return [*found, above_proof(promise, size.tokens(words), talk.native(promise.model, words))]


def measured(few: Count, more: Count) -> Measure:
    """How prompts grow, by two of them that were counted."""
    bad = next((count for count in (few, more) if count.status != 200), None)
    return Measure(problem=f"HTTP {bad.status}: {bad.said}") if bad else measure(few.tokens, more.tokens)
