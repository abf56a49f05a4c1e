"""Looks at a running Ollama server once, and judges every promise; asks its models only where that is wanted."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from swarmctl.core.insideview import Inside
from swarmctl.core.memory.need import Need
from swarmctl.core.ollama.answering import Turn, answer_proof, mark_of, second_pass_proof, together_proof
from swarmctl.core.ollama.api import Said, Shown
from swarmctl.core.ollama.environment import environment_proof
from swarmctl.core.ollama.log import configured, launches, starts, why
from swarmctl.core.ollama.outside import runner_proof
from swarmctl.core.ollama.proof import (
    Promise,
    context_proof,
    device_proof,
    keep_alive_proof,
    kv_proof,
    loaded_proof,
)
from swarmctl.core.ollama.speaking import stop_proof
from swarmctl.core.proof import Proof
from swarmctl.effects.clock import Clock
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.engines.ollamaspeech import Long, Speech, speech_proofs
from swarmctl.errors import SwarmctlError

_QUESTION = "Count from one to ten in words."
_TOKENS = 24
_SHORT = 2


def _unseen() -> Inside | None:
    return None


@dataclass(frozen=True, slots=True)
class OllamaUnderTest:
    """A server and what was promised of it. name: the service. plan: its environment. most: models loaded at once.

    given: the environment of its process, None where that cannot be looked at. golden: how a model's answer begins.
    floor: tokens/s. speech: chat format by model. expected: memory by model. peek: a look into its container, None
    where there is none. cache: MiB of kept prompts a runner may hold.
    """

    swarm: str
    name: str
    promises: Sequence[Promise]
    plan: Mapping[str, str]
    given: Mapping[str, str] | None
    most: int | None = None
    floor: float = 0.5
    golden: Mapping[str, str] = field(default_factory=dict)
    speech: Mapping[str, Speech] = field(default_factory=dict)
    expected: Mapping[str, Need] = field(default_factory=dict)
    peek: Callable[[], Inside | None] = _unseen
    cache: int = 0


def look(
    client: Ollama, target: OllamaUnderTest, clock: Clock, *, idle: float | None = None, later: bool = False
) -> list[Proof]:
    """Every promise that can be judged without asking a model: looking neither loads one nor renews a keep-alive.

    idle: seconds since the models were last used, where that is known. later: models that
    do not stay for ever may be asleep. Raises HostError or DeployError when the server does not answer.
    """
    rows = {row.name: row for row in client.running()}
    log, now, seen = client.logged(), clock.now(), target.peek()
    started, given = launches(log), target.given
    if given is None and seen is not None:
        given = seen.environment
    known = {promise.model: client.show(promise.model) for promise in target.promises}
    weights = {model: shown.stored for model, shown in known.items() if shown and shown.stored}
    found = [
        environment_proof(target.name, target.swarm, target.plan, given, configured(log)),
        loaded_proof(target.name, target.promises, target.most, list(rows.values()), later=later, weights=weights),
    ]
    for promise in target.promises:
        shown, row = known[promise.model], rows.get(promise.model)
        launch = started.get(shown.stored) if shown else None
        found += [
            device_proof(promise, row, launch),
            context_proof(promise, row, launch),
            kv_proof(promise, launch),
            keep_alive_proof(promise, row, now, idle),
        ]
        if seen is not None and row is not None:
            process = seen.runners.get(shown.stored) if shown else None
            software = launch.software if launch else ""
            found.append(runner_proof(promise, process, target.expected.get(promise.model), target.cache, software))
    return found


def ask(client: Ollama, target: OllamaUnderTest, *, long: Long = "all") -> list[Proof]:
    """Answers of every model: twice one after another, then all at once, then prompts at the edge of the context.

    Where fewer may be loaded than there are, the second answer of a model follows its first at once. long: which models
    read a prompt as long as their context, since that takes time. A model that does not answer is not asked again:
    each question would be another load that fails. Never raises for what the server does.
    """
    found: list[Proof] = []
    mute: dict[str, str] = {}
    shown = {promise.model: _shown(client, promise.model) for promise in target.promises}
    groups = [list(target.promises)] if target.most is None else [[promise] for promise in target.promises]
    turns: Mapping[str, Turn] = {}
    for group in groups:
        proofs, turns = _twice(client, target, group, shown, mute)
        found += proofs
    if len(target.promises) > 1:
        found.append(_together(client, target, shown, mute, turns))
    speaking = [promise for promise in target.promises if promise.model not in mute]
    return found + speech_proofs(client.url, speaking, target.speech, shown, long=long)


def after_talk(
    client: Ollama, target: OllamaUnderTest, clock: Clock, before: Sequence[Proof], idle: float
) -> list[Proof]:
    """The proofs of a look, those of keep-alives judged again after the models have talked.

    What had failed stays so: our questions may have hidden it. idle: seconds since the first was asked. Raises
    HostError or DeployError.
    """
    rows, now = {row.name: row for row in client.running()}, clock.now()
    again = {
        promise.subject: keep_alive_proof(promise, row, now, idle)
        for promise in target.promises
        if (row := rows.get(promise.model))
    }
    name = "keep-alive in force"
    return [again.get(p.subject, p) if p.name == name and p.verdict != "fail" else p for p in before]


def _twice(
    client: Ollama,
    target: OllamaUnderTest,
    group: Sequence[Promise],
    shown: Mapping[str, Shown | None],
    mute: dict[str, str],
) -> tuple[list[Proof], Mapping[str, Turn]]:
    """The proofs, and the runners as they are at last. mute: is given the models that do not answer, and why."""
    first = {promise.model: _said(client, promise, target.floor) for promise in group}
    mute.update({model: said for model, said in first.items() if isinstance(said, str)})
    marks = {model: mark_of(said) for model, said in first.items()}
    before = _turns(client, target, shown)
    second = {p.model: mute.get(p.model) or _said(client, p, target.floor, stop=marks[p.model]) for p in group}
    after = _turns(client, target, shown)
    found = []
    for promise in group:
        name, seen = promise.model, shown[promise.model]
        found.append(answer_proof(promise, first[name], target.floor, target.golden.get(name)))
        found.append(second_pass_proof(promise, before[name], after[name], second[name]))
        if speech := target.speech.get(name):
            stored = seen.created.parameters.get("stop", ()) if seen else ()
            words = stored if isinstance(stored, tuple) else (str(stored),)
            planned = words if speech.own else speech.stops
            found.append(stop_proof(promise, planned, words, second[name], marks[name], first[name]))
    return found, after


def _together(
    client: Ollama,
    target: OllamaUnderTest,
    shown: Mapping[str, Shown | None],
    mute: Mapping[str, str],
    turns: Mapping[str, Turn],
) -> Proof:
    before = {name: turn.runner for name, turn in turns.items() if turn.runner}

    def one(promise: Promise) -> Said | str:
        if promise.model in mute:
            return mute[promise.model]
        with Ollama(client.url, log=client.logged) as own:
            return _said(own, promise, target.floor, tokens=_SHORT)

    with ThreadPoolExecutor(len(target.promises)) as pool:
        answers = dict(zip([p.model for p in target.promises], pool.map(one, target.promises), strict=True))
    try:
        rows = client.running()
    except SwarmctlError as e:
        rows, answers = (), dict.fromkeys(answers, e.message)
    runners = (before, _runners(target, shown))
    return together_proof(target.name, target.promises, answers, runners, rows, target.most)


def _said(client: Ollama, promise: Promise, floor: float, *, stop: str = "", tokens: int = _TOKENS) -> Said | str:
    """Its answer, or why there is none: in the words of the engine's log where that says it."""
    try:
        return client.ask(promise.model, _QUESTION, tokens, floor, [stop] if stop else ())
    except SwarmctlError as e:
        reason = why(client.logged()) if "load" in e.detail or "runner" in e.detail or "server" in e.detail else ""
        said = f"{e.message}: {e.detail}" if e.detail else e.message
        return f"{reason} ({said})" if reason else said


def _turns(client: Ollama, target: OllamaUnderTest, shown: Mapping[str, Shown | None]) -> Mapping[str, Turn]:
    runners, begun = _runners(target, shown), starts(client.logged())
    return {name: Turn(runners.get(name, ""), begun.get(seen.stored, 0) if seen else 0) for name, seen in shown.items()}


def _runners(target: OllamaUnderTest, shown: Mapping[str, Shown | None]) -> Mapping[str, str]:
    """The process of each model, where it can be seen."""
    inside = target.peek()
    there = inside.runners if inside else {}
    return {name: there[seen.stored].runner for name, seen in shown.items() if seen and seen.stored in there}


def _shown(client: Ollama, name: str) -> Shown | None:
    try:
        return client.show(name)
    except SwarmctlError:
        return None
