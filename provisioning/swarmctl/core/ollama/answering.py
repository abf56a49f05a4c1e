"""Judges what the models of an Ollama server answer, and that a second answer needs no load."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarmctl.core.hints import logs
from swarmctl.core.ollama.api import Loaded, Said
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.proof import Proof, outcome

AT_ONCE = 0.5
"""Seconds under which a model counts as not loaded anew."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What changes when a model is loaded anew. runner: process that serves it, "" unseen. starts: of it in the log."""

    runner: str = ""
    starts: int = 0

    @property
    def seen(self) -> bool:
        """One of the two is known."""
        return bool(self.runner) or self.starts > 0


def answer_proof(promise: Promise, said: Said | str, floor: float, golden: str | None = None) -> Proof:
    """A real answer, fast enough; a string says why there was none. floor: tokens/s. golden: how it must begin."""
    promised = f"an answer at {floor:g} tokens/s or more" + (f", {golden!r}" if golden else "")
    mend = logs(promise.swarm, promise.model)
    if isinstance(said, str):
        return Proof("answers", promise.subject, promised, "no answer", said, "fail", mend)
    text = said.text.strip()
    holds = bool(text) and said.tokens > 0 and said.rate >= floor and text.startswith(golden or "")
    measured = f"{said.tokens} tokens at {said.rate:.1f} tokens/s"
    return Proof("answers", promise.subject, promised, measured, repr(text[:60]), outcome(holds), mend)


def second_pass_proof(promise: Promise, before: Turn, after: Turn, said: Said | str) -> Proof:
    """The second answer came from the same runner, at once."""
    name, promised = "second pass without reload", "the same runner, no load"
    if isinstance(said, str):
        return Proof(name, promise.subject, promised, "no second answer", said, "fail", promise.mend)
    if not (before.seen and after.seen) and said.load < AT_ONCE:
        reason = "neither its process nor its start in the log can be seen"
        return Proof(name, promise.subject, promised, f"{said.load:.1f} s of loading", reason, "unknown", promise.mend)
    holds = before == after and said.load < AT_ONCE
    measured = f"{after.starts - before.starts} starts, {said.load:.1f} s of loading"
    if before.runner != after.runner:
        measured += f"; process {before.runner or 'none'}, then {after.runner or 'none'}"
    evidence = "load_duration of its answer; starts in the server's log" + (
        f"; process {after.runner} (pid@start)" if after.runner else ""
    )
    return Proof(name, promise.subject, promised, measured, evidence, outcome(holds), promise.mend)


def together_proof(
    subject: str,
    promises: Sequence[Promise],
    answers: Mapping[str, Said | str],
    runners: tuple[Mapping[str, str], Mapping[str, str]],
    loaded: Sequence[Loaded],
    most: int | None,
) -> Proof:
    """Every model was asked at the same moment: each answered, none was pushed out.

    runners: process by model before and after, where they can be seen. loaded: after it. most: models that may be
    loaded at once, None for all; where they are fewer, that many are there and none is promised to have stayed.
    """
    name = "all models at once"
    count = len(promises) if most is None else min(most, len(promises))
    promised = f"{len(promises)} answers at once" + (", nothing evicted" if most is None else f", {count} loaded after")
    silent = {model: said for model in sorted(answers) if isinstance(said := answers[model], str) or not said.tokens}
    there = {row.name for row in loaded} & {promise.model for promise in promises}
    words = [f"{model}: {said if isinstance(said, str) else 'an empty answer'}" for model, said in silent.items()]
    if most is None:
        before, after = runners
        pushed = [p.model for p in promises if p.model not in there or before.get(p.model) != after.get(p.model)]
        words += [f"{model} was evicted or loaded anew" for model in pushed if model not in silent]
    elif len(there) != count:
        words.append(f"{len(there)} loaded after")
    answered = len(promises) - len(silent)
    waited = max((said.load for said in answers.values() if isinstance(said, Said)), default=0.0)
    measured = f"{answered} of {len(promises)} answered, longest wait {waited:.1f} s"
    evidence = "; ".join(words)[:300] if words else f"/api/ps: {', '.join(sorted(there))}; processes unchanged"
    holds = not words and answered == len(promises)
    mend = promises[0].mend if promises else ""
    return Proof(name, subject, promised, measured, evidence, outcome(holds), mend)


def mark_of(said: Said | str) -> str:
    """The character that an answer holds most often: asked again, the model says it again."""
    text = said.text.strip() if isinstance(said, Said) else ""
    letters = Counter(letter for letter in text[1:] if letter != text[0])
    return min(letters, key=lambda letter: (-letters[letter], letter)) if letters else ""
