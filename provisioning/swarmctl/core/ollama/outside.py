"""Judges runner processes from outside of the engine: what each takes of the host, and all of them of a card."""

from collections.abc import Sequence

from swarmctl.core.engineproof import LIBRARIES
from swarmctl.core.insideview import Card, Process
from swarmctl.core.memory.need import Need
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.proof import Proof, outcome

SHARE = 0.15
"""By which a process may differ from the plan."""


def runner_proof(
    promise: Promise, process: Process | None, plan: Need | None, cache: int = 0, software: str = ""
) -> Proof:
    """Resident memory (MiB) of one runner against the plan. cache: MiB that kept prompts may add.

    The compute buffer counts from nothing to whole: memory of it is taken as prompts grow. software: a GPU that is
    a program on the CPU, whose memory lies in the runner itself: then too little can be seen, and too much cannot.
    """
    name = "runner memory as planned"
    if plan is None or process is None:
        reason = "the model is not in the store" if plan is None else "no process of the container serves it"
        return Proof(name, promise.subject, "as planned", "not measured", reason, "unknown", promise.mend)
    idle, most = plan.host.idle, plan.host.total + cache
    low, high = idle * (1 - SHARE) if plan.exact else 0.0, most * (1 + SHARE) + LIBRARIES
    evidence = f"VmRSS of pid {process.pid} in its container"
    promised, measured = f"{idle:.0f} to {most:.0f} MiB", f"{process.resident:.0f} MiB"
    if software and process.resident >= low:
        reason = f"{evidence} holds the card's memory too: {software} is software"
        return Proof(name, promise.subject, promised, measured, reason, "unknown", promise.mend)
    return Proof(
        name,
        promise.subject,
        promised,
        measured,
        f"{evidence}; {SHARE:.0%} and its libraries: {low:.0f} to {high:.0f} MiB",
        outcome(low <= process.resident <= high),
        promise.mend,
    )


def card_proof(
    subject: str, swarm: str, runners: int, plans: Sequence[Need | None], cards: Sequence[Card], software: str = ""
) -> Proof:
    """The card as nvidia-smi has it: a compute process a runner, memory (MiB) as planned for those that are loaded.

    software: a GPU that is a program on the CPU. It has no CUDA context and buffers of its own, so that only too
    little for weights and cache can be told from what was planned; cards and processes are counted all the same.
    """
    name, mend = "card memory as planned", f"swarmctl up --swarm {swarm}"
    known = [plan.gpu.total for plan in plans if plan is not None]
    if not cards or len(known) < len(plans):
        reason = "nvidia-smi shows no card" if not cards else "a model is not in the store"
        return Proof(name, subject, "as planned", "not measured", reason, "fail" if not cards else "unknown", mend)
    card, wanted = cards[0], sum(known)
    if len(cards) > 1:
        measured = f"{len(cards)} cards: {', '.join(card.name for card in cards)}"
        return Proof(name, subject, "one card in sight", measured, "nvidia-smi", "fail", mend)
    used = sum(card.apps) if card.apps else card.used
    low, high = wanted * (1 - SHARE), wanted * (1 + SHARE)
    few = bool(card.apps) and len(card.apps) < runners
    shown = f"{len(card.apps)} processes" if card.apps else "all that is in use: it names no process"
    promised, measured = f"{runners} runners, {wanted:.0f} MiB", f"{used:.0f} MiB, {shown}"
    evidence = f"nvidia-smi of {card.name}; {low:.0f} to {high:.0f} MiB is within {SHARE:.0%}"
    verdict = outcome(low <= used <= high and not few)
    if software:
        least = sum(plan.gpu.weights + plan.gpu.kv for plan in plans if plan is not None) * (1 - SHARE)
        evidence = f"nvidia-smi of {card.name}; {software} is software, of which {least:.0f} MiB or more are planned"
        verdict = "unknown" if used >= least and not few else "fail"
    return Proof(name, subject, promised, measured, evidence, verdict, mend)
