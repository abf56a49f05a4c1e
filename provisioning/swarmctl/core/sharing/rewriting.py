"""A client's request as the shared engine must get it: its slot, its adapter, and nobody else's."""

from collections.abc import Mapping
from typing import Any

from swarmctl.core.sharing.gatewayfile import Offered, Upstream

_SEVERAL = ("n", "n_cmpl", "best_of")


def unfit(body: Mapping[str, Any]) -> str:
    """Why a request cannot be passed on; empty when it can.

    A second completion of one prompt is computed on another slot, whoever that belongs to.
    """
    for key in _SEVERAL:
        value = body.get(key)
        if value is not None and (type(value) is not int or value != 1):
            return f"{key} must be 1: a second answer would be computed on another model's slot"
    return ""


def rewritten(body: Mapping[str, Any], model: Offered, engine: Upstream, slot: int) -> dict[str, Any]:
    """The request with its slot pinned and every adapter scaled, whatever the client wrote there.

    llama-server answers a request without `lora`, or with an empty one, by the scales of its start; it takes ids that
    do not exist without a word; and it gives up a slot's cache when another adapter comes to it.
    """
    mine: dict[str, Any] = {"id_slot": slot, "cache_prompt": True}
    if engine.adapters:
        mine["lora"] = scales(model.adapter, len(engine.adapters))
    kept = {key: value for key, value in body.items() if key not in {"lora", "id_slot", "cache_prompt"}}
    return kept | mine


def scales(adapter: int | None, count: int) -> list[dict[str, float]]:
    """1 for the adapter, 0 for every other one: the full list, always."""
    return [{"id": n, "scale": float(n == adapter)} for n in range(count)]
