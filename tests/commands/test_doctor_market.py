"""What doctor says of the market's key: from where, how wide, and what it lacks; never the key."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from fakes.simulated import Served, served
from swarmctl.commands.doctormarket import market_key
from swarmctl.commands.finding import Finding
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

GOOD = ("misc", "user_read", "instance_read", "instance_write", "billing_read", "user_write")


@pytest.fixture(scope="module")
def market() -> Iterator[Served]:
    with served("--clock", "real", "--limits", "off") as found:
        yield found


def scoped(market: Served, *groups: str) -> str:
    body = {"name": "x", "permissions": {"api": {name: {} for name in groups}}}
    headers = {"Authorization": f"Bearer {market.key}"}
    got = requests.post(f"{market.url}/api/v0/auth/apikeys/", json=body, headers=headers, timeout=10)
    return str(got.json()["key"])


@pytest.fixture
def look(market: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAST_URL", market.url)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)

    def found(key: str) -> Finding:
        monkeypatch.setenv("VAST_API_KEY", key)
        clock = SystemClock()
        world = World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "m"), tmp_path)
        row = market_key(world)
        assert not key or key not in json.dumps([row.found, row.mend])
        return row

    return found


@pytest.mark.slow
def test_each_kind_of_key(look, market: Served, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert look("").level == "optional"
    assert "none found" in look("").found
    whole = look(market.key)
    assert (whole.level, "more than is needed" in whole.found) == ("ok", True)
    good = look(scoped(market, *GOOD))
    assert (good.level, good.mend) == ("ok", "")
    assert "billing_read: yes" in good.found
    few = look(scoped(market, "misc", "user_read", "instance_read"))
    assert (few.level, "without instance_write" in few.found) == ("optional", True)
    least = look(scoped(market, "misc", "user_read", "instance_read", "instance_write"))
    assert "billing_read: no" in least.found
    blind = look(scoped(market, "misc", "billing_read"))
    assert "without user_read, instance_read" in blind.found
    assert "not valid" in look("no-such-key").found
    (tmp_path / ".vast_api_key").write_text(market.key)
    (tmp_path / ".vast_api_key").chmod(0o644)
    assert look("").mend == f"chmod 600 {tmp_path}/.vast_api_key"
