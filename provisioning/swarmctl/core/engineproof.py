"""Judging an engine: what it says and takes, against what was promised."""

from collections.abc import Sequence
from dataclasses import dataclass

from swarmctl.core.engine import EngineFile
from swarmctl.core.enginelog import LoadLines
from swarmctl.core.hints import logs
from swarmctl.core.llamacpp import slot_context
from swarmctl.core.memory.need import Need
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.units import as_duration

BUFFER_SHARE, BUFFER_MIB = 0.05, 8.0
"""The engine's lines may differ from the plan by the larger of these."""
PROCESS_SHARE = 0.15
LIBRARIES = 64.0
"""MiB: an image maps all of its backends, used or not; Vulkan's with a software driver takes 50."""
NO_LINES = "the log no longer holds the lines of its load"


@dataclass(frozen=True, slots=True)
class Answer:
    """One real answer: its text, its tokens, and tokens per second while it was written."""

    text: str
    tokens: int
    rate: float


def subject(engine: EngineFile) -> str:
    """The service that serves this model."""
    return f"engine-{engine.model}"


def restart(engine: EngineFile) -> str:
    """What to type so that an engine is made new."""
    return f"swarmctl down --swarm {engine.swarm} && swarmctl up --swarm {engine.swarm}"


def context_proof(engine: EngineFile, slots: Sequence[int], evidence: str) -> Proof:
    """`slots`: tokens that each slot of the running server holds."""
    cells = slot_context(engine.context)
    holds = len(slots) == engine.parallel and all(slot == cells for slot in slots)
    sizes = "/".join(str(size) for size in sorted(set(slots))) or "no"
    return Proof(
        "context and parallelism in force",
        subject(engine),
        f"{engine.parallel} × {cells} tokens",
        f"{len(slots)} × {sizes} tokens",
        evidence,
        outcome(holds),
        restart(engine),
    )


def kv_proof(engine: EngineFile, lines: LoadLines | None) -> Proof:
    """The type of the KV cache, by the engine's own lines."""
    if lines is None or not lines.key_type:
        return _unseen("KV type in force", engine, engine.kv)
    measured = lines.key_type if lines.key_type == lines.value_type else f"{lines.key_type}/{lines.value_type}"
    return Proof(
        "KV type in force",
        subject(engine),
        engine.kv,
        measured,
        "llama_kv_cache line of its log",
        outcome(measured == engine.kv),
        restart(engine),
    )


def flash_proof(engine: EngineFile, lines: LoadLines | None) -> Proof:
    """Flash attention, by the engine's own line."""
    promised = "enabled" if engine.flash_attention else "disabled"
    if lines is None or not lines.flash_attention:
        return _unseen("flash attention in force", engine, promised)
    return Proof(
        "flash attention in force",
        subject(engine),
        promised,
        lines.flash_attention,
        "flash_attn line of its log",
        outcome(lines.flash_attention == promised),
        restart(engine),
    )


def layers_proof(engine: EngineFile, lines: LoadLines | None, layers: tuple[int, int] | None) -> Proof:
    """Every layer is on the card, by the engine's own line; one that uses no card writes none."""
    name, promised = "layers on the card", "all of them"
    if lines is None:
        return _unseen(name, engine, promised)
    measured = f"{layers[0]} of {layers[1]}" if layers else "none"
    holds = layers is not None and layers[0] == layers[1]
    evidence = "offloaded line of its log" if layers else "its log has no offloaded line"
    return Proof(name, subject(engine), promised, measured, evidence, outcome(holds), restart(engine))


def answer_proof(engine: EngineFile, answer: Answer | str, floor: float) -> Proof:
    """A real answer, fast enough; a string says why there was none. floor: tokens per second."""
    promised = f"an answer at {floor:g} tokens/s or more"
    mend = logs(engine.swarm, f"engine-{engine.model}")
    if isinstance(answer, str):
        return Proof("answers", subject(engine), promised, "no answer", answer, "fail", mend)
    holds = bool(answer.text.strip()) and answer.tokens > 0 and answer.rate >= floor
    return Proof(
        "answers",
        subject(engine),
        promised,
        f"{answer.tokens} tokens at {answer.rate:.1f} tokens/s",
        repr(answer.text.strip()[:60]),
        outcome(holds),
        mend,
    )


def buffers_proof(engine: EngineFile, lines: LoadLines | None, plan: Need | None) -> Proof:
    """Each of the engine's buffers within 5 % or 8 MiB of the plan."""
    name = "buffers as planned"
    if plan is None:
        return Proof(name, subject(engine), "as planned", "no plan", "the model is not in the store", "unknown")
    whole = plan.gpu + plan.host
    pairs = (
        ("weights", whole.weights, lines.weights if lines else 0),
        ("KV", whole.kv, lines.kv if lines else 0),
        ("compute", whole.compute, lines.compute if lines else 0),
        ("output", whole.output, lines.output if lines else 0),
    )
    promised = ", ".join(f"{word} {wanted:.1f}" for word, wanted, _ in pairs) + " MiB"
    if lines is None:
        return _unseen(name, engine, promised)
    measured = ", ".join(f"{word} {seen:.1f}" for word, _, seen in pairs) + " MiB"
    off = [word for word, wanted, seen in pairs if not _near(wanted, seen, plan.exact)]
    evidence = f"off: {', '.join(off)}" if off else "buffer size lines of its log, within 5 % or 8 MiB"
    return Proof(name, subject(engine), promised, measured, evidence, outcome(not off), restart(engine))


def up_proof(engine: EngineFile, pid: int | None, age: float | None) -> Proof:
    """Its process runs. age: in seconds; None when it does not."""
    verdict = outcome(age is not None)
    measured = "it does not" if age is None else f"pid {pid}, for {as_duration(age)}"
    evidence = f"pid {pid}" if age is None else "process table"
    mend = f"swarmctl up --swarm {engine.swarm}"
    return Proof("process up", subject(engine), "it runs", measured, evidence, verdict, mend)


def process_proof(
    engine: EngineFile, resident: float | None, plan: Need | None, libraries: float = 0.0, software: str = ""
) -> Proof:
    """Resident memory (MiB, model file included as far as it is mapped in) within 15 % of the plan.

    The compute buffer counts from nothing to whole: memory of it is taken as prompts grow. The prompt cache
    may add as much as it was given. libraries: MiB that an image's backends may add, used or not. software: a GPU
    that is a program on the CPU, whose memory lies in the process too: then too much cannot be seen.
    """
    name = "process memory as planned"
    if plan is None or resident is None:
        reason = "the model is not in the store" if plan is None else "the process cannot be looked at"
        return Proof(name, subject(engine), "as planned", "not measured", reason, "unknown")
    idle, most = plan.host.idle, plan.host.total + engine.cache_ram
    low = idle * (1 - PROCESS_SHARE) if plan.exact else 0.0
    high = most * (1 + PROCESS_SHARE) + libraries
    if software and resident >= low:
        reason = f"resident set, the card's memory in it: {software} is software"
        return Proof(name, subject(engine), f"{idle:.0f} to {most:.0f} MiB", f"{resident:.0f} MiB", reason, "unknown")
    return Proof(
        name,
        subject(engine),
        f"{idle:.0f} to {most:.0f} MiB",
        f"{resident:.0f} MiB",
        f"resident set, mapped weights included; {low:.0f} to {high:.0f} MiB is within 15 %",
        outcome(low <= resident <= high),
        restart(engine),
    )


Seen = tuple[float | None, int]
"""What changes when an engine starts or loads again: its start, and the loads in its log."""


def reload_proof(
    engine: EngineFile, before: Seen, after: Seen, answer: Answer | str, *, evidence: str, mend: str, least: int = 0
) -> Proof:
    """A second answer came from the same process, and nothing was loaded for it. least: loads that a log must show."""
    holds = before == after and before[0] is not None and before[1] >= least and isinstance(answer, Answer)
    measured = "the same process, no load" if holds else f"{after[1] - before[1]} loads"
    if before[0] != after[0] or after[0] is None:
        measured = "another process"
    elif isinstance(answer, str):
        measured = f"no second answer: {answer}"
    promised = "the same process, no load"
    return Proof("second pass without reload", subject(engine), promised, measured, evidence, outcome(holds), mend)


def _near(wanted: float, seen: float, exact: bool) -> bool:
    room = max(BUFFER_SHARE * wanted, BUFFER_MIB)
    return seen <= wanted + room and (not exact or seen >= wanted - room)


def _unseen(name: str, engine: EngineFile, promised: str) -> Proof:
    return Proof(name, subject(engine), promised, "not seen", NO_LINES, "unknown", restart(engine))
