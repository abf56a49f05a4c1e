"""Compares an Ollama server's environment with the plan, as it was given and as the server understood it."""

import re
from collections.abc import Mapping

from swarmctl.core.hints import logs
from swarmctl.core.proof import Proof, outcome

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_TIMES = frozenset(("OLLAMA_KEEP_ALIVE", "OLLAMA_LOAD_TIMEOUT"))
_SWITCHES = frozenset(
    (
        "OLLAMA_FLASH_ATTENTION", "OLLAMA_NO_CLOUD", "OLLAMA_SCHED_SPREAD", "OLLAMA_NOPRUNE", "OLLAMA_GO_TEMPLATE",
        "OLLAMA_VULKAN",
    )
)  # fmt: skip
_FOREVER = 100 * 365 * 86400.0


def environment_proof(
    subject: str, swarm: str, plan: Mapping[str, str], given: Mapping[str, str] | None, said: Mapping[str, str] | None
) -> Proof:
    """The environment of the running process, and what the server made of it, against the plan.

    given: of the process, None where it cannot be looked at. said: its `server config` line, None where the log no
    longer holds it. A value that the server cannot read is given as planned and understood as its default.
    """
    name, promised, mend = "environment as planned", f"{len(plan)} variables as planned", f"swarmctl up --swarm {swarm}"
    if given is None and said is None:
        reason = "neither its process nor the first lines of its log can be seen"
        return Proof(name, subject, promised, "not seen", reason, "unknown", logs(swarm, subject))
    off, seen = list[str](), list[str]()
    if given is not None:
        off += [f"{k}={given.get(k, '')!r} is given, not {v!r}" for k, v in plan.items() if given.get(k) != v]
        seen.append("environment of its process")
    if said is not None:
        known = {k: v for k, v in plan.items() if k in said}
        off += [f"{k}={said[k]!r} is understood, not {v!r}" for k, v in known.items() if not same(k, v, said[k])]
        seen.append("server config line of its log")
    measured = "; ".join(off) if off else promised
    return Proof(name, subject, promised, measured, " and ".join(seen), outcome(not off), mend)


def same(key: str, planned: str, understood: str) -> bool:
    """Does the server's own way of writing a value mean what was planned?"""
    if key in _TIMES:
        before, after = seconds(planned), seconds(understood)
        return before is not None and after is not None and (before == after or min(before, after) > _FOREVER)
    if key in _SWITCHES:
        return understood == ("true" if planned in {"1", "true"} else "false")
    if key == "OLLAMA_HOST":
        return understood.removeprefix("http://") == planned.removeprefix("http://")
    return planned == understood


def seconds(text: str) -> float | None:
    """A duration as Ollama's variables write it: a number with units, or of seconds; negative is for ever.

    None for what it cannot read, for which it takes its default without a word.
    """
    if re.fullmatch(r"-\d.*", text):
        return None if seconds(text[1:]) is None else float("inf")
    if re.fullmatch(r"\d+", text):
        return float(text)
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
