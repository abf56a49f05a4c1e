"""Runner processes and the card from outside, by value."""

import pytest

from swarmctl.core.insideview import Card, Process
from swarmctl.core.memory.need import Need, Part
from swarmctl.core.ollama.outside import card_proof, runner_proof
from swarmctl.core.ollama.proof import Promise

LEAD = Promise("demo", "lead", 512, 1, "f16", -1)
PLAN = Need(Part(1000.0), Part(weights=100.0, compute=50.0))
LLVMPIPE = "Vulkan0 (llvmpipe (LLVM 21.1.8, 256 bits))"
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


@pytest.mark.parametrize(("resident", "verdict"), [(84.0, "fail"), (86.0, "unknown"), (5000.0, "unknown")])
def test_a_runner_whose_gpu_is_software_may_hold_more_and_never_less(resident: float, verdict: str) -> None:
    proof = runner_proof(LEAD, Process(7, 1, "llama-server", resident), PLAN, 0, LLVMPIPE)
    assert proof.verdict == verdict
    assert (LLVMPIPE in proof.evidence) is (verdict == "unknown")


@pytest.mark.parametrize(
    ("cards", "verdict"),
    [
        ((Card("A100", 81920, 9, (900.0, 900.0)),), "unknown"),
        ((Card("A100", 81920, 9, (9000.0, 9000.0)),), "unknown"),
        ((Card("A100", 81920, 2000),), "unknown"),
        ((Card("A100", 81920, 0),), "fail"),
        ((Card("A100", 81920, 9, (1800.0,)),), "fail"),
        ((Card("A100", 81920, 9, (800.0, 800.0)),), "fail"),
        ((Card("A100", 81920, 1800),) * 2, "fail"),
        ((), "fail"),
    ],
)
def test_a_card_that_is_software_still_shows_its_processes_and_what_they_must_hold(
    cards: tuple[Card, ...], verdict: str
) -> None:
    plan = Need(Part(weights=900.0, kv=100.0, other=400.0), Part(weights=100.0))
    assert card_proof("card gpu0", "demo", 2, (plan, plan), cards, LLVMPIPE).verdict == verdict


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
