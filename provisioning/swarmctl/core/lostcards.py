"""Cards that a swarm's servers were given and that the machine does not have any more, in sentences."""

from collections.abc import Iterable

from swarmctl.core.machine import Machine
from swarmctl.core.observed import RunningService


def lost_cards(services: Iterable[RunningService], machine: Machine) -> tuple[str, ...]:
    """One sentence a server; empty when every card is there."""
    on_cards = [s for s in services if s.name.startswith(("ollama-", "engine-")) and s.gpu != "cpu"]
    if machine.gpu_problem and on_cards:
        return (f"nvidia-smi does not say which cards are left: {machine.gpu_problem}",)
    here = {gpu.uuid for gpu in machine.gpus}
    count = f"nvidia-smi lists {len(machine.gpus)} card{'s' * (len(machine.gpus) != 1)}"
    return tuple(
        f"{s.name} has lost its card, {s.card or s.gpu}: {count}; `swarmctl up` places its models on what is left"
        for s in on_cards
        if (s.card not in here if s.card else _number(s.gpu) >= len(machine.gpus))
    )


def _number(gpu: str) -> int:
    digits = gpu.removeprefix("gpu")
    return int(digits) if digits.isdigit() else 0
