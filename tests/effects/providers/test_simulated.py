"""Every fault of the practice market, over real HTTP: in the end nothing of ours bills."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fakes.hired import NEED, OWNER, order
from fakes.simulated import Served, served
from fakes.stories import FAULTS
from swarmctl.commands.reap import reap
from swarmctl.core.leasing.ranking import rank
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

pytestmark = pytest.mark.slow


@pytest.fixture
def market() -> Iterator[Served]:
    with served() as found:
        yield found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_nothing_behind(market: Served, tmp_path: Path, fault: str) -> None:
    vast = market.vast(tmp_path)
    choices = rank(NEED, vast.offers(NEED).offers).choices
    hiring = Hiring(vast, LeaseBook(tmp_path / "ledger.sqlite", market.time), market.time)
    market.faults("slow-answer:seconds=0.2" if fault == "slow-answer" else fault)  # it really sleeps
    with suppress(SwarmctlError):  # any error of ours will do, and no traceback
        expires = int(market.time.monotonic()) + 3600
        hired = hiring.hire(Wish("seven", OWNER, expires), choices, order)
        assert len(market.billing()) == 1, "one machine, and not two"
        market.time.sleep(1200)
        vast.release(hired.lease.id)
    market.faults("")
    market.time.sleep(4000)
    (tmp_path / "owner").write_text(OWNER)
    ledger = Ledger(tmp_path / "ledger.sqlite", market.time)
    world = World(market.time, ledger, ModelStore(tmp_path / "models"), tmp_path)
    reap(world, approve=lambda _: True, provider=vast)
    assert market.billing() == []
