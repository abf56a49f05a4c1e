"""Runner processes and the card from outside, by value."""

import pytest

from swarmctl.core.insideview import Card, Process
from swarmctl.core.memory.need import Need, Part
from swarmctl.core.ollama.outside import card_proof, runner_proof
from swarmctl.core.ollama.proof import Promise

LEAD = Promise("demo", "lead", 512, 1, "f16", -1)
PLAN = Need(Part(1000.0), Part(weights=100.0, compute=50.0))
BOUND = Need(Part(1000.0), Part(weights=100.0, compute=50.0), exact=False)


@pytest.mark.parametrize(
    ("resident", "plan", "cache", "verdict"),
    [
        (86.0, PLAN, 0, "pass"), (84.0, PLAN, 0, "fail"), (236.0, PLAN, 0, "pass"), (237.0, PLAN, 0, "fail"),
        (237.0, PLAN, 64, "pass"), (1.0, BOUND, 0, "pass"), (100.0, None, 0, "unknown"),
    ],
)  # fmt: skip
def test_a_runner(resident: float, plan: Need | None, cache: int, verdict: str) -> None:
    assert runner_proof(LEAD, Process(7, 1, "llama-server", resident), plan, cache).verdict == verdict
    assert runner_proof(LEAD, None, plan, cache).verdict == "unknown"


@pytest.mark.parametrize(
    ("cards", "plans", "verdict"),
    [
        ((Card("A100", 81920, 2100, (1000.0, 1100.0)),), (PLAN, PLAN), "pass"),
        ((Card("A100", 81920, 2100),), (PLAN, PLAN), "pass"),
        ((Card("A100", 81920, 2400),), (PLAN, PLAN), "fail"),
        ((Card("A100", 81920, 2100, (2100.0,)),), (PLAN, PLAN), "fail"),
        ((Card("A100", 81920, 9),), (PLAN, PLAN), "fail"),
        ((Card("A100", 81920, 2100),) * 2, (PLAN, PLAN), "fail"),
        ((), (PLAN, PLAN), "fail"),
        ((Card("A100", 81920, 2100),), (PLAN, None), "unknown"),
        ((Card("A100", 81920, 0),), (), "pass"),
    ],
)
def test_a_card(cards: tuple[Card, ...], plans: tuple[Need | None, ...], verdict: str) -> None:
    assert card_proof("card gpu0", "demo", len(plans), plans, cards).verdict == verdict
