"""The watcher as the program that is kept: it ends a machine whose guard did not, also by that machine's key alone."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from fakes.hired import NEED, order
from fakes.simulated import Served, served
from swarmctl.core.leasing.ranking import rank
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.keeper import Keeper
from swarmctl.effects.hosts.watching import FILE, Watched
from swarmctl.effects.hosts.watchkeeper import NAME, main, unwatch, watch
from swarmctl.effects.notifying import Notify
from swarmctl.effects.providers.here import lease_book, vast_over
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.transport import HttpTransport
from swarmctl.effects.world import World

CLOCK = SystemClock()


def hire(market: Served, world: World, seconds: int) -> str:
    """A machine with its own key in the ledger, as `up` leaves one."""
    vast = vast_over(HttpTransport(market.url, Secret(market.key)), world.state, CLOCK)
    wish = Wish("seven", owner(world.state), int(time.time()) + seconds)
    book = lease_book(world.state, CLOCK)
    hired = Hiring(vast, book, CLOCK).hire(wish, rank(NEED, vast.offers(NEED).offers).choices, order)
    assert hired.key is not None
    book.keep_key(hired.lease.id, hired.key)
    return hired.lease.id


@pytest.mark.slow
@pytest.mark.parametrize("keyed", [True, False])
def test_it_ends_what_is_over_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyed: bool) -> None:
    told = tmp_path / "told"
    code = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    with served("--clock", "real") as market:
        for name, value in (("HOME", tmp_path), ("XDG_STATE_HOME", tmp_path / "state"), ("VAST_URL", market.url)):
            monkeypatch.setenv(name, str(value))
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        monkeypatch.setenv("VAST_API_KEY", market.key) if keyed else monkeypatch.delenv("VAST_API_KEY", raising=False)
        world = World.here()
        id_ = hire(market, world, -100)
        assert int(id_) in market.billing()
        one = Watched("seven", id_, int(time.time()) - 100, notify=Notify(command=(sys.executable, "-c", code)))
        kept = Keeper("seven", world.places("seven").root, CLOCK)
        try:
            watch(one, world)
            wait_until(lambda: int(id_) not in market.billing(), clock=CLOCK, deadline=60, every=0.2, what="its end")
            status = kept.status(NAME)
            assert status is not None
            assert status.pid is not None
            words = psutil.Process(status.pid).cmdline()
            assert market.key not in " ".join(words)
            if keyed:
                released = lambda: told.exists() and '"kind": "released"' in told.read_text()  # noqa: E731
                wait_until(released, clock=CLOCK, deadline=30, every=0.2, what="the notice")
        finally:
            unwatch("seven", world)
        assert kept.runtime.labelled(helpers=True) == []
        assert not (world.places("seven").root / FILE).exists()
        unwatch("seven", world)


def test_without_a_folder_it_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "second watcher" in capsys.readouterr().err
