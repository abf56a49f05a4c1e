"""Judges one Ollama server: which models are loaded, where, with what context and cache, and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from swarmctl.core.ollama.api import Loaded
from swarmctl.core.ollama.log import Launch
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.units import as_duration

_FOREVER = 100 * 365 * 86400.0
_SLACK = 30.0
"""Seconds by which a keep-alive may differ: clocks, and the time that an answer took."""
_ABSENT = "not loaded"
_QUOTE = 300
"""Characters of a long line that evidence shows: the last, where the settings are."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What one model was promised. context: tokens per slot. keep_alive: seconds, -1 for ever."""

    swarm: str
    model: str
    context: int
    parallel: int
    kv: str
    keep_alive: int
    device: Literal["gpu", "cpu", "experts-on-cpu"] = "gpu"

    @property
    def subject(self) -> str:
        """As it is named in a table of proofs."""
        return f"model {self.model}"

    @property
    def mend(self) -> str:
        """What to type when it does not hold."""
        return f"swarmctl up --swarm {self.swarm}"


def loaded_proof(
    subject: str,
    promises: Sequence[Promise],
    most: int | None,
    loaded: Sequence[Loaded],
    *,
    later: bool = False,
    weights: Mapping[str, str] | None = None,
) -> Proof:
    """All planned models at once; with `most` below their number exactly that many of them. No others beside them.

    later: some time has gone by since they were loaded, so those that do not stay for ever may be asleep. weights:
    digest by model, where the server says it: models on the same file are served by one runner, whatever it lists.
    """
    planned, there = {promise.model for promise in promises}, {row.name for row in loaded}
    count = len(planned) if most is None else min(most, len(planned))
    absent, strange = sorted(planned - there), sorted(there - planned)
    stay = {promise.model for promise in promises if promise.keep_alive < 0 or not later}
    least = min(count, len(stay))
    twins = _twins(weights or {}, planned)
    enough = least <= len(planned & there) <= count and (most is not None or stay <= there)
    holds = enough and not strange and not twins
    measured = f"{len(planned & there)} of {len(planned)} loaded"
    words = [f"absent: {', '.join(absent)}"] * bool(absent) + [f"not planned: {', '.join(strange)}"] * bool(strange)
    words += [f"{' and '.join(names)} are one file, with one runner" for names in twins]
    return Proof(
        "planned models loaded at once",
        subject,
        f"{count} of {len(planned)} loaded",
        "; ".join([measured, *words]) if not holds else measured,
        f"/api/ps: {', '.join(sorted(there)) or 'nothing'}",
        outcome(holds),
        promises[0].mend if promises else "",
    )


def _twins(weights: Mapping[str, str], planned: set[str]) -> list[list[str]]:
    """Planned models that stand on the same weights."""
    by_file: dict[str, list[str]] = {}
    for name in sorted(planned & weights.keys()):
        by_file.setdefault(weights[name], []).append(name)
    return [names for names in by_file.values() if len(names) > 1]


def device_proof(promise: Promise, row: Loaded | None, launch: Launch | None) -> Proof:
    """Wholly on the declared device: by /api/ps, and by the buffers that the log names.

    /api/ps alone is not enough: where it could not read the sizes it says that all is on the GPU.
    """
    name = "on the declared device"
    promised = {"gpu": "wholly on the GPU", "cpu": "on the CPU", "experts-on-cpu": "on GPU and CPU"}[promise.device]
    if row is None:
        return _absent(name, promise, promised)
    share = f"{row.vram / 2**20:.0f} of {row.size / 2**20:.0f} MiB in GPU memory"
    if launch is None or not launch.buffers:
        verdict = "unknown" if _said(promise.device, row) else outcome(False)
        return Proof(name, promise.subject, promised, share, "/api/ps; its log names no buffers", verdict, promise.mend)
    where = ", ".join(f"{device} {size:.0f} MiB" for device, size in sorted(launch.buffers.items()))
    layers = f"; {launch.layers[0]} of {launch.layers[1]} layers offloaded" if launch.layers else ""
    holds = _seen(promise.device, row, launch)
    return Proof(name, promise.subject, promised, share, f"its buffers: {where}{layers}", outcome(holds), promise.mend)


def _said(device: str, row: Loaded) -> bool:
    """By /api/ps alone."""
    if device == "gpu":
        return row.vram == row.size and row.vram > 0
    return (row.vram == 0) == (device == "cpu")


def _seen(device: str, row: Loaded, launch: Launch) -> bool:
    """By its buffers too. What is on the CPU keeps neither weights nor cache on a GPU, though it may reckon there."""
    if device == "cpu":
        return launch.kept_on_gpu == 0
    if device == "gpu":
        return _said(device, row) and launch.on_gpu > 0 and _whole(launch)
    return _said(device, row) and launch.on_gpu > 0 and launch.on_host > 0


def context_proof(promise: Promise, row: Loaded | None, launch: Launch | None) -> Proof:
    """Tokens per slot, by /api/ps and by how it was started; and the number of slots, which /api/ps does not say."""
    name, promised = "context and parallelism in force", f"{promise.parallel} × {promise.context} tokens"
    if row is None:
        return _absent(name, promise, promised)
    if launch is None or not launch.context:
        verdict = outcome(False) if row.context != promise.context else "unknown"
        return Proof(
            name, promise.subject, promised, f"{row.context} tokens", "/api/ps; its start is not in the log", verdict,
            promise.mend,
        )  # fmt: skip
    holds = row.context == launch.context == promise.context and launch.parallel == promise.parallel
    measured = f"{launch.parallel} × {launch.context} tokens"
    if row.context != launch.context:
        measured += f", {row.context} by /api/ps"
    return Proof(name, promise.subject, promised, measured, launch.said[-_QUOTE:], outcome(holds), promise.mend)


def kv_proof(promise: Promise, launch: Launch | None) -> Proof:
    """Type of the cache, by how it was started and by the engine's own line where the log has it."""
    name = "KV type in force"
    said = launch.lines.key_type if launch and launch.lines else ""
    measured = said or (launch.kv if launch else "")
    if launch is None or not measured:
        reason = "its start is not in the log" if launch is None else "the log does not name it"
        return Proof(name, promise.subject, promise.kv, "not seen", reason, "unknown", promise.mend)
    values = launch.lines.value_type if launch.lines else ""
    if values and values != said:
        measured = f"{said}/{values}"
    evidence = "llama_kv_cache line of its log" if said else launch.said[-_QUOTE:]
    return Proof(name, promise.subject, promise.kv, measured, evidence, outcome(measured == promise.kv), promise.mend)


def keep_alive_proof(promise: Promise, row: Loaded | None, now: datetime, idle: float | None = None) -> Proof:
    """How long it stays. idle: seconds since it was last used, None where that is not known.

    A model that went to sleep by its own keep-alive is no fault. Without `idle` a keep-alive that a client made
    shorter looks like one that has run down; a longer one is always seen.
    """
    name = "keep-alive in force"
    promised = "stays for ever" if promise.keep_alive < 0 else f"{as_duration(promise.keep_alive)} after its last use"
    if row is None:
        asleep = promise.keep_alive >= 0 and (idle is None or idle >= promise.keep_alive - _SLACK)
        measured = "asleep" if asleep else _ABSENT
        return Proof(name, promise.subject, promised, measured, "/api/ps", outcome(asleep), promise.mend)
    left = (row.expires - now).total_seconds()
    if promise.keep_alive < 0:
        holds = left > _FOREVER
    else:
        least = 0.0 if idle is None else promise.keep_alive - idle
        holds = least - _SLACK <= left <= promise.keep_alive + _SLACK
    measured = "stays for ever" if left > _FOREVER else f"goes in {as_duration(max(0.0, left))}"
    evidence = f"/api/ps: expires_at {row.expires.isoformat(timespec='seconds')}"
    return Proof(name, promise.subject, promised, measured, evidence, outcome(holds), promise.mend)


def _whole(launch: Launch) -> bool:
    return launch.layers is None or launch.layers[0] == launch.layers[1]


def _absent(name: str, promise: Promise, promised: str) -> Proof:
    """Not loaded: nothing to see, which the proof of loading judges."""
    return Proof(name, promise.subject, promised, _ABSENT, "/api/ps", "unknown", promise.mend)
