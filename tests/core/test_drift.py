"""A model of which layers were left out is loaded anew, where it was meant to be on a card."""

import pytest

from swarmctl.core.composehost import Resident, ServerSeen
from swarmctl.core.drift import LEFT_OUT, model_drift
from swarmctl.core.modelfile import Created
from swarmctl.core.ollama.order import Wish

MODEL = Created("sha256:" + "ab" * 32, "", {"num_ctx": 512}, "ab" * 32)


@pytest.mark.parametrize(
    ("device", "share", "said"),
    [
        ("gpu", 1.0, ""),
        ("gpu", 0.25, f"{LEFT_OUT}25% of it on the GPU"),
        ("gpu", 0.0, f"{LEFT_OUT}0% of it on the GPU"),
        ("gpu", None, ""),
        ("cpu", 0.0, ""),
        ("experts-on-cpu", 0.5, ""),
    ],
)
def test_how_much_of_it_is_on_its_card(device: str, share: float | None, said: str) -> None:
    seen = ServerSeen({"lead": MODEL}, {"lead": Resident(512, float("inf"), share)})
    assert model_drift(Wish("lead", 0), MODEL, seen, awake=True, context=512, device=device) == said
