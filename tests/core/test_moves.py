"""Cards that go and come back: what ends first, what starts where, and nothing is left on what is no more."""

from dataclasses import replace

import pytest

from fakes.composedworlds import after_up, made, nothing, tiny
from swarmctl.core.composed import host_of
from swarmctl.core.composeplan import reconcile_compose
from swarmctl.core.lostcards import lost_cards
from swarmctl.core.machine import Gpu
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Plan
from swarmctl.core.trialname import TRIAL

SPEC = tiny(("placement.architecture", "separate"))


def cards(observed: Observed, *numbers: int) -> Observed:
    """The same look at a machine that has these cards of the first ones."""
    all_of = nothing(SPEC, 4)
    gpus = tuple(all_of.machine.gpus[n] for n in numbers)
    box = replace(host_of(all_of).box, cards=host_of(all_of).box.cards[: len(numbers)])
    return replace(observed, machine=replace(observed.machine, gpus=gpus), compose=replace(host_of(observed), box=box))


def up(*numbers: int) -> Observed:
    """A swarm that runs, proved, on a machine with these cards."""
    return after_up(SPEC, cards(nothing(SPEC, 4), *numbers))


def steps(plan: Plan, verb: str) -> list[tuple[str, str]]:
    return [(step.where.rpartition("/")[2], step.subject) for step in plan.steps if step.verb == verb]


@pytest.mark.parametrize(("before", "after"), [((0, 1), (0,)), ((0,), (0, 1)), ((0, 1, 2, 3), (0, 1)), ((0, 1), ())])
def test_all_that_is_elsewhere_now_ends_before_anything_starts(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    there = up(*before)
    now = cards(there, *after)
    plan = reconcile_compose(SPEC, now)
    home = {s.name: stack.gpu for stack in made(SPEC, now).stacks for s in stack.services}
    moved = {(s.gpu, s.name) for s in there.services if home.get(s.name) != s.gpu}
    ended = steps(plan, "release")
    assert moved
    assert moved <= set(ended)
    verbs = [step.verb.value for step in plan.steps]
    assert verbs[: len(ended)] == ["release"] * len(ended)
    kept = {(s.gpu, s.name) for s in there.services} - set(ended)
    assert all(home[name] == gpu for gpu, name in kept)
    held = {gpu for gpu, name in moved if name.startswith("agent-")}
    assert {(gpu, f"forwarder-{gpu}") for gpu in held} <= set(ended), "their ports are free before others take them"
    assert (("slot-0", TRIAL)) not in steps(plan, "check"), "what ran on a card that went cannot be kept"


def test_a_card_that_took_anothers_number_is_no_longer_the_one_that_its_server_was_made_for() -> None:
    """Of two cards the first goes: the second is number 0 by now, and the server of gpu0 holds the one that went."""
    plan = reconcile_compose(SPEC, cards(up(0, 1), 1))
    (cause,) = [step.cause for step in plan.steps if step.verb == "deploy"]
    assert "ollama-gpu0" in cause
    same = reconcile_compose(SPEC, cards(up(0), 1))
    (step,) = [step for step in same.steps if step.verb == "deploy"]
    assert "was made for GPU-0; gpu0 is GPU-1 by now" in step.cause


def test_a_driver_that_cannot_say_what_is_left_moves_nothing() -> None:
    there = up(0, 1)
    blind = replace(there.machine, gpus=(), gpu_problem="Unable to determine the device handle")
    plan = reconcile_compose(SPEC, replace(cards(there), machine=blind))
    assert plan.steps == ()
    assert "Unable to determine the device handle" in plan.refusals[0]
    assert "gpu0, gpu1" in plan.refusals[0]


def test_lost_cards_are_named() -> None:
    there = up(0, 1)
    assert lost_cards(there.services, there.machine) == ()
    (said,) = lost_cards(there.services, cards(there, 1).machine)
    assert said.startswith("ollama-gpu0 has lost its card, GPU-0: nvidia-smi lists 1 card;")
    unnamed = tuple(replace(s, card="") for s in there.services)
    (said,) = lost_cards(unnamed, replace(there.machine, gpus=(Gpu("NVIDIA L4", 23034),)))
    assert said.startswith("ollama-gpu1 has lost its card, gpu1")
    (said,) = lost_cards(there.services, replace(there.machine, gpus=(), gpu_problem="Unknown Error"))
    assert "Unknown Error" in said
    assert lost_cards(up().services, replace(there.machine, gpus=(), gpu_problem="no driver")) == ()
