"""Faults of a card that users report, on a real server with a software GPU: a proof finds each, and is green again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.faults import Found, reported
from fakes.gpuserver import DEVICE, FILE, MODEL, gpu_server
from fakes.grounded import stands
from swarmctl.core.ollama.order import Wish

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=30)]
WISH = Wish(MODEL, FILE.stat().st_size if FILE.is_file() else 0)
PLACE, CARD = "on the declared device", "card memory as planned"


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[list[Found]]:
    with reported(request) as rows:
        yield rows


def test_layers_left_out_and_a_card_that_is_lost(tmp_path: Path, found: list[Found]) -> None:
    stands("engine", "ollama-vulkan", "tiny")
    with gpu_server(tmp_path, found, **DEVICE) as server:
        server.give(num_gpu=1)
        server.client.load(WISH)
        red = server.red("layers left out", PLACE)
        assert "1 of " in red.evidence, "layers that are on the card, of all"

        server.give()
        server.client.load(WISH)
        assert "Vulkan0" in server.green(PLACE).evidence
        assert server.green(CARD, "unknown").evidence == "a model is not in the store", "the card itself is seen"

        server.client_asks(num_gpu=1)
        server.red("a client's num_gpu", PLACE)
        row = server.looked().loaded[MODEL]
        assert row.on_gpu is not None
        assert row.on_gpu < 1, "up sees it"
        server.client.unload(MODEL)
        server.client.load(WISH)
        server.green(PLACE)
        assert server.looked().loaded[MODEL].on_gpu == 1

        for state in ("gone", "lost"):
            server.card_is(state)
            assert server.red(f"a card is {state}", CARD).evidence == "nvidia-smi shows no card"
            server.card_is("here")
            server.green(CARD, "unknown")


def test_a_model_on_the_cpu_of_a_machine_with_a_card(tmp_path: Path, found: list[Found]) -> None:
    """Without its device the server says nothing of it: it answers, slowly."""
    stands("engine", "ollama-vulkan", "tiny")
    with gpu_server(tmp_path, found) as server:
        server.give()
        server.client.load(WISH)
        assert server.red("a model on the CPU", PLACE).measured.startswith("0 of ")
        server.green("context and parallelism in force")
