"""What `doctor` says of cards: containers are not asked about here, processes need a server that sees them."""

from dataclasses import replace

import pytest

from swarmctl.commands import doctor
from swarmctl.core.hardware.box import Box
from swarmctl.core.machine import Gpu, Machine
from swarmctl.effects import ownserver
from swarmctl.effects.ownserver import OwnServer

HERE = Machine("here", "Linux x86_64", 8, 32000, 30000, 90000, (Gpu("NVIDIA L4", 23034),))


@pytest.mark.parametrize(
    ("machine", "server", "level", "said"),
    [
        (replace(HERE, gpus=()), OwnServer("wheel"), "optional", "none found"),
        (HERE, OwnServer("binary", Box("here")), "ok", "NVIDIA L4, 23034 MiB; processes use it by llama-server"),
        (HERE, OwnServer("wheel", idle="it sees none"), "optional", "NVIDIA L4, 23034 MiB; it sees none"),
    ],
)
def test_cards(machine: Machine, server: OwnServer, level: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownserver, "look", lambda _: server)
    found = doctor._gpu(machine)
    assert (found.level, found.found) == (level, said)
