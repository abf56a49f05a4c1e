"""Proves a llama.cpp server: asks it, reads its log, looks at its process."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from swarmctl.core import enginelog, engineproof
from swarmctl.core.engine import EngineFile
from swarmctl.core.engineproof import Answer, subject
from swarmctl.core.hints import logs
from swarmctl.core.memory.need import Need
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.sharing.rewriting import scales
from swarmctl.effects.clock import Clock
from swarmctl.effects.engines import EngineUnderTest
from swarmctl.effects.engines.alive import age, born
from swarmctl.effects.engines.endpoint import Endpoint
from swarmctl.effects.engines.sockets import loopback_proof
from swarmctl.errors import HostError

__all__ = [
    "EngineUnderTest",
    "LlamaCpp",
    "answer",
    "asleep",
    "awake_or_less",
    "key_proof",
    "look_engine",
    "loopback_proof",
    "models",
    "on_card",
    "passive_proofs",
    "plain",
    "prove_engine",
    "ready",
    "rows",
]

_MIB = 1024 * 1024
_TOKENS = 24
_SLOTS = 1024
"""No server has so many; what says so is broken."""
_QUESTION = "Count from one to ten in words."


class LlamaCpp:
    """The promise of effects/engines, kept by llama.cpp's server (the wheel's or `llama-server`)."""

    def ready(self, settings: EngineFile) -> bool:
        """It answers and its model is loaded."""
        return ready(settings)

    def models(self, settings: EngineFile) -> tuple[str, ...]:
        """Names that a request may ask for. Raises HostError."""
        return models(settings)

    def proofs(self, engine: EngineUnderTest, clock: Clock) -> list[Proof]:
        """Every promise, read back."""
        return prove_engine(engine, clock)


def ready(settings: EngineFile) -> bool:
    """It answers and its model is loaded: while it loads, its health is 503."""
    with Endpoint(settings) as at:
        return at.get("/health").ok


def models(settings: EngineFile) -> tuple[str, ...]:
    """Names that a request may ask for. Raises HostError when it does not answer."""
    with Endpoint(settings) as at:
        reply = at.get("/v1/models")
    if not reply.ok:
        raise HostError(f"engine-{settings.model} does not list its models: {reply.why}")
    return tuple(str(item.get("id")) for item in rows(reply.body, "data"))


def prove_engine(engine: EngineUnderTest, clock: Clock) -> list[Proof]:
    """Every promise of one engine, read back from the running server, in a fixed order.

    Takes two short answers of the model. Never raises for what the server does: that is a failed proof.
    """
    settings = engine.settings
    with Endpoint(settings) as at:
        found = [
            engineproof.up_proof(settings, engine.pid, age(engine.pid, clock)),
            _loaded(at, settings),
            _slots(at, settings),
        ]
        first = answer(at, settings, engine.floor, plain(settings))
        before = _identity(engine)
        second = answer(at, settings, engine.floor, plain(settings))
        log = _log(engine.log)
        lines = enginelog.last_load(log)
        return [
            *found,
            *on_card(settings, log),
            engineproof.kv_proof(settings, lines),
            engineproof.flash_proof(settings, lines),
            engineproof.answer_proof(settings, first, engine.floor),
            engineproof.reload_proof(
                settings,
                before,
                _identity(engine),
                second,
                evidence="start time of its pid, load lines of its log",
                mend=logs(settings.swarm, f"engine-{settings.model}"),
            ),
            engineproof.buffers_proof(settings, lines, engine.expected),
            engineproof.process_proof(
                settings, _resident(engine.pid), engine.expected, engine.libraries, _software(settings, log)
            ),
            key_proof(at, settings),
        ]


def look_engine(engine: EngineUnderTest, clock: Clock) -> list[Proof]:
    """What can be judged without a question: it neither wakes a model nor keeps it awake. Never raises."""
    settings, log = engine.settings, _log(engine.log)
    lines = enginelog.last_load(log)
    with Endpoint(settings) as at:
        expected = awake_or_less(engine.expected, asleep(at, settings))
        return [
            engineproof.up_proof(settings, engine.pid, age(engine.pid, clock)),
            *passive_proofs(at, settings),
            *on_card(settings, log),
            engineproof.kv_proof(settings, lines),
            engineproof.flash_proof(settings, lines),
            engineproof.buffers_proof(settings, lines, engine.expected),
            engineproof.process_proof(
                settings, _resident(engine.pid), expected, engine.libraries, _software(settings, log)
            ),
        ]


def on_card(settings: EngineFile, log: str) -> list[Proof]:
    """Of an engine that was told to be on one."""
    if not settings.gpu_layers:
        return []
    return [engineproof.layers_proof(settings, enginelog.last_load(log), enginelog.layers(log))]


def _software(settings: EngineFile, log: str) -> str:
    """The card of such an engine, where it is a program on the CPU."""
    return enginelog.software(log) if settings.gpu_layers else ""


def asleep(at: Endpoint, settings: EngineFile) -> bool:
    """Its model sleeps by its own keep-alive: its memory is free, and nothing is wrong."""
    body = at.get("/props").body
    return settings.keep_alive >= 0 and isinstance(body, dict) and body.get("is_sleeping") is True


def passive_proofs(at: Endpoint, settings: EngineFile) -> list[Proof]:
    """Loaded, or asleep by its own keep-alive; context and slots by /props, which neither wakes it nor counts as use.

    /slots does both, so it is left for when a question is asked anyway.
    """
    props = at.get("/props")
    body = props.body if isinstance(props.body, dict) else {}
    loaded = _loaded(at, settings)
    if asleep(at, settings):
        loaded = replace(loaded, measured="asleep, by its own keep-alive", evidence=f"GET {at.url}/props")
    defaults = body.get("default_generation_settings")
    size = defaults.get("n_ctx") if isinstance(defaults, dict) else None
    count = body.get("total_slots")
    known = type(size) is int and type(count) is int and 0 < count < _SLOTS
    sizes = [size] * count if known and isinstance(size, int) and isinstance(count, int) else []
    return [loaded, engineproof.context_proof(settings, sizes, f"GET {at.url}/props" if known else props.why)]


def awake_or_less(need: Need | None, sleeps: bool) -> Need | None:
    """What a process must take at least is nothing while its model sleeps."""
    return replace(need, exact=False) if need and sleeps else need


def _loaded(at: Endpoint, settings: EngineFile) -> Proof:
    health, listed = at.get("/health"), at.get("/v1/models")
    names = [str(item.get("id")) for item in rows(listed.body, "data")]
    seen = ", ".join(names) if names else listed.why
    return Proof(
        "model loaded",
        subject(settings),
        settings.model,
        seen if health.ok else f"health: {health.why}",
        f"GET {at.url}/v1/models",
        outcome(health.ok and names == [settings.model]),
        logs(settings.swarm, f"engine-{settings.model}"),
    )


def _slots(at: Endpoint, settings: EngineFile) -> Proof:
    """Both pages must agree: /props counts the slots, /slots says what each holds."""
    props, slots = at.get("/props"), at.get("/slots")
    sizes = [int(row.get("n_ctx", 0)) for row in rows(slots.body)]
    total = props.body.get("total_slots") if isinstance(props.body, dict) else None
    if total != len(sizes):
        sizes = []
    return engineproof.context_proof(
        settings, sizes, f"GET {at.url}/slots" if sizes else f"/props: {total} slots, /slots: {slots.why}"
    )


def plain(settings: EngineFile) -> dict[str, Any]:
    """What a question to a shared base itself says: without any adapter, and on one slot."""
    count = len(settings.adapters)
    return {"id_slot": 0, "lora": scales(None, count)} if count else {}


def answer(at: Endpoint, settings: EngineFile, floor: float, more: Mapping[str, Any] | None = None) -> Answer | str:
    """One answer of exactly 24 tokens, or why there was none. more: goes into the question."""
    body = {
        "model": settings.model,
        "messages": [{"role": "user", "content": _QUESTION}],
        "max_tokens": _TOKENS,
        "temperature": 0,
        "ignore_eos": True,
        "cache_prompt": False,
        **(more or {}),
    }
    reply = at.post("/v1/chat/completions", body, seconds=60 + _TOKENS / max(floor, 0.1))
    if not reply.ok:
        return reply.why
    try:
        message, timings = reply.body["choices"][0]["message"], reply.body["timings"]
        text = str(message.get("content") or message.get("reasoning_content") or "")
        return Answer(text, int(timings["predicted_n"]), float(timings["predicted_per_second"]))
    except (KeyError, IndexError, TypeError, ValueError) as e:
        return f"an answer of another shape: {type(e).__name__} {e}"


def _identity(engine: EngineUnderTest) -> tuple[float | None, int]:
    """What changes when an engine starts or loads again: its start, and the loads in its log."""
    return born(engine.pid), enginelog.loads(_log(engine.log))


def key_proof(at: Endpoint, settings: EngineFile) -> Proof:
    """Neither answers nor settings without the key."""
    body = {"model": settings.model, "messages": [{"role": "user", "content": "?"}], "max_tokens": 1}
    seen = {
        "without": at.post("/v1/chat/completions", body, key="").status,
        "with a wrong one": at.post("/v1/chat/completions", body, key="wrong").status,
        "settings without": at.get("/props", key="").status,
    }
    return Proof(
        "key demanded",
        subject(settings),
        "401 without the key",
        ", ".join(f"{code} {how}" for how, code in seen.items()),
        f"POST {at.url}/v1/chat/completions",
        outcome(set(seen.values()) == {401}),
        engineproof.restart(settings),
    )


def rows(body: Any, key: str = "") -> list[dict[str, Any]]:
    """The objects of a list, or of a list under a key; empty for any other shape."""
    rows = body.get(key) if key and isinstance(body, dict) else body
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _log(path: Path) -> str:
    """The log with those rotated out of it, the oldest first."""
    numbers = [int(p.suffix[1:]) for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdigit()]
    files = [*(path.with_name(f"{path.name}.{n}") for n in sorted(numbers, reverse=True)), path]
    return "".join(p.read_text(encoding="utf-8", errors="replace") for p in files if p.is_file())


def _resident(pid: int | None) -> float | None:
    """MiB of a process's resident set, mapped files included."""
    try:
        return float(psutil.Process(pid).memory_info().rss / _MIB) if pid else None
    except psutil.Error:
        return None
