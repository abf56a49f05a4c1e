"""What is asked of the market when a machine is rented, to the last field, and what the market would refuse."""

from decimal import Decimal
from typing import Any

import pytest

from swarmctl.core.images import LLAMACPP
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.order import CONTAINER_IMAGE, ENGINE_IMAGE, LEAST_DISK, VM_IMAGE, Order, rent_body
from swarmctl.errors import SpecError

LABEL = Label("seven", "0" * 16, "1" * 16, 1_800_000_000)


def test_a_container_is_asked_for_so() -> None:
    assert rent_body(Order("img", 60), LABEL) == {
        "client_id": "me", "image": "img", "env": {"SWARMCTL_LABEL": str(LABEL)}, "disk": 60, "label": str(LABEL),
        "runtype": "ssh_direc ssh_proxy", "target_state": "running", "cancel_unavail": True,
    }  # fmt: skip


def test_a_virtual_machine_that_may_be_taken_away_is_asked_for_so() -> None:
    order = Order("img", 3, Decimal("0.25"), True, {"A": "b", "SWARMCTL_LABEL": "mine"}, "#!/bin/sh\n")
    assert rent_body(order, LABEL) == {
        "client_id": "me", "image": "img", "env": {"A": "b", "SWARMCTL_LABEL": str(LABEL)}, "disk": 8,
        "label": str(LABEL), "runtype": "ssh", "target_state": "running", "cancel_unavail": True, "price": 0.25,
        "vm": True, "onstart": "#!/bin/sh\n",
    }  # fmt: skip
    assert type(rent_body(order, LABEL)["price"]) is float
    assert LEAST_DISK == 8


def test_images_are_named_with_registry_and_tag() -> None:
    assert VM_IMAGE == "docker.io/vastai/kvm:cuda-12.4.1-auto"
    assert CONTAINER_IMAGE == "docker.io/vastai/base-image:cuda-12.4.1-auto"
    assert ENGINE_IMAGE.endswith(f"llama.cpp:server-cuda-b{LLAMACPP}"), "flags and memory model are of that build"


GOOD: list[dict[str, Any]] = [
    {"image": "x"}, {"image": "x" * 1024}, {"bid": Decimal("0.001")}, {"bid": Decimal(128)}, {"onstart": "x" * 4096},
    {"env": {"A": "x" * 256}}, {"env": {f"{n:04}": "x" * 252 for n in range(128)}},
]  # fmt: skip
BAD: list[tuple[dict[str, Any], str]] = [
    ({"image": ""}, "no image"), ({"image": "x" * 1025}, "no image"), ({"image": "-x"}, "no image"),
    ({"bid": Decimal("0.0009")}, "a bid of"), ({"bid": Decimal("128.1")}, "a bid of"),
    ({"bid": Decimal(0)}, "a bid of"),
    ({"onstart": "x" * 4097}, "4097 characters"), ({"env": {"A": "x" * 257}}, "variables are longer"),
    ({"env": {f"{n:04}": "x" * (252 + (n == 0)) for n in range(128)}}, "variables are longer"),
]  # fmt: skip


@pytest.mark.parametrize("given", GOOD)
def test_what_the_market_just_takes(given: dict[str, Any]) -> None:
    assert rent_body(Order(**{"image": "x", "disk": 8, **given}), LABEL)["label"] == str(LABEL)


@pytest.mark.parametrize(("given", "said"), BAD)
def test_what_the_market_would_refuse(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        Order(**{"image": "x", "disk": 8, **given})
