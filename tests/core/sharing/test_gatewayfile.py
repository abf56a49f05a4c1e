"""Settings in which two models would meet are refused, and slots are given by memory and by age."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from swarmctl.core.sharing.gatewayfile import GatewayFile
from swarmctl.core.sharing.rewriting import rewritten, unfit
from swarmctl.core.sharing.slots import Slots

ENGINE = {"url": "http://e", "key_file": "k", "context": 1024, "slots": 3, "adapters": ("a.gguf", "b.gguf")}
MODEL = {"name": "backend", "adapter": 0, "slots": (0,)}


def file(*models: dict[str, Any], engines: Any = (ENGINE,), **more: Any) -> GatewayFile:
    told = {"swarm": "s", "port": 1, "key_file": "k", "engines": engines, "models": models or (MODEL,)}
    return GatewayFile.model_validate(told | more)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ((MODEL, MODEL | {"adapter": 1, "slots": (1,)}), "offered twice"),
        ((MODEL, {"name": "x", "adapter": 1, "slots": (0,)}), "slot 0 of engine 0 is given twice"),
        ((MODEL, {"name": "x", "adapter": 0, "slots": (1,)}), "adapter 0 of engine 0 is offered twice"),
        ((MODEL | {"slots": (1, 1)},), "slot 1 of engine 0 is given twice"),
        ((MODEL | {"slots": (3,)},), "slot 3 of 3"),
        ((MODEL | {"slots": (-1,)},), "slot -1 of 3"),
        ((MODEL | {"slots": ()},), "slots"),
        ((MODEL | {"adapter": 2},), "adapter 2 of 2"),
        ((MODEL | {"adapter": -1},), "adapter"),
        ((MODEL | {"engine": 1},), "engine 1 of 1"),
        ((MODEL | {"name": "../x y"},), "name"),
        ((MODEL | {"name": ""},), "name"),
        ((MODEL | {"nme": "x"},), "nme"),
    ],
)
def test_models_that_would_meet_are_refused(models: tuple[dict[str, Any], ...], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        file(*models)


def test_two_engines_have_slots_and_adapters_of_their_own() -> None:
    assert len(file(MODEL, MODEL | {"name": "lead", "engine": 1}, engines=(ENGINE, ENGINE)).models) == 2


@pytest.mark.parametrize("change", [{"port": 0}, {"port": 70000}, {"body": 0}, {"body": 10**18}, {"engines": ()}])
def test_settings_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        file(**change)


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=4)


@given(st.dictionaries(st.sampled_from(["lora", "id_slot", "cache_prompt", "n", "x"]), _JSON))
def test_whatever_a_client_writes_its_slot_and_adapter_are_its_own(body: dict[str, Any]) -> None:
    told = file()
    unfit(body)
    sent = rewritten(body, told.models[0], told.engines[0], 0)
    assert sent["lora"] == [{"id": 0, "scale": 1.0}, {"id": 1, "scale": 0.0}]
    assert (sent["id_slot"], sent["cache_prompt"]) == (0, True)
    assert sent.get("x") == body.get("x")


def test_an_engine_without_adapters_is_told_nothing_of_them() -> None:
    told = file({"name": "lead", "slots": (0,)}, engines=(ENGINE | {"adapters": ()},))
    assert "lora" not in rewritten({"lora": [1]}, told.models[0], told.engines[0], 0)


def test_slots_remember_then_rest_then_share_the_load() -> None:
    slots = Slots((4, 5))
    first, second = slots.take("a"), slots.take("b")
    assert {first, second} == {4, 5}
    slots.give_back(first)
    slots.give_back(second)
    assert slots.take("b") == second
    assert slots.take("b") == first
    slots.give_back(second)
    slots.give_back(second)
    assert slots.take("c") == second
    assert slots.take("c") in {4, 5}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"))))
def test_no_slot_is_ever_twice_as_busy_while_another_rests(steps: list[tuple[bool, str]]) -> None:
    slots, busy = Slots((0, 1, 2)), {0: 0, 1: 0, 2: 0}
    for take, beginning in steps:
        if take:
            chosen = slots.take(beginning)
            assert busy[chosen] == min(busy.values())
            busy[chosen] += 1
        elif any(busy.values()):
            one = max(busy, key=lambda n: busy[n])
            slots.give_back(one)
            busy[one] -= 1
