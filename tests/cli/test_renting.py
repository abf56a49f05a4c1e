"""Offers, orphans, reap and down --all as people type them, against the practice market over HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.examples import RENTING, examples
from fakes.hired import NEED, order
from fakes.simulated import Served, served
from swarmctl.core.leasing.ranking import rank
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.providers.here import lease_book, vast_over
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.transport import HttpTransport

pytestmark = pytest.mark.slow
Types = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def market() -> Iterator[Served]:
    with served("--clock", "real") as found:
        yield found


@pytest.fixture
def types(market: Served, tmp_path: Path) -> Types:
    def type_(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        place = {"XDG_STATE_HOME": str(tmp_path), "VAST_URL": market.url, "VAST_API_KEY": market.key}
        argv = [sys.executable, "-m", "swarmctl", *args]
        return subprocess.run(
            argv,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, **place, **env},
            check=False,
            timeout=90,
        )

    return type_


def hire(market: Served, state: Path, seconds: int) -> str:
    clock = SystemClock()
    vast = vast_over(HttpTransport(market.url, Secret(market.key)), state, clock)
    wish = Wish("seven", owner(state), int(time.time()) + seconds)
    choices = rank(NEED, vast.offers(NEED).offers).choices
    return Hiring(vast, lease_book(state, clock), clock).hire(wish, choices, order).lease.id


def test_offers_are_listed_with_what_they_truly_cost_and_need_no_key(types: Types) -> None:
    done = types("offers", "--gpu", "a100", "--json", VAST_API_KEY="")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "swarmctl/offers/v1"
    totals = [float(one["dollars_in_all"]) for one in told["offers"]]
    assert totals == sorted(totals)
    assert {one["vm"] for one in told["offers"]} == {True}
    assert {one["gpu"][:4] for one in told["offers"]} == {"A100"}


def test_a_swarm_decides_between_the_cards_of_a_family(types: Types) -> None:
    told = json.loads(types("offers", "--gpu", "a100", "--swarm", "seven", "--json").stdout)
    first = told["offers"][0]
    assert float(first["of_which"]["traffic"]) >= 0
    assert first["profile"].startswith("a100")
    assert float(first["of_which"]["disk"]) > 0


def test_where_nothing_will_do_the_reasons_are_counted(types: Types) -> None:
    done = types("offers", "--gpu", "4090", "--max-price", "0.01")
    assert done.returncode == 4
    assert "no offer will do" in done.stdout
    assert "price: " in done.stderr
    assert " of " in done.stderr


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("offers", "--gpu", "gtx-nine"), 3, "no profile is called"),
        (("offers", "--max-price", "cheap"), 2, "no amount of money"),
        (("offers", "--max-price", "-1"), 2, "no amount of dollars"),
        (("offers", "--ttl", "soon"), 3, "no duration"),
        (("down", "--lease", "abc"), 3, "no machine's number"),
        (("down", "--lease", "424242"), 0, ""),
    ],
)
def test_refusals(types: Types, args: tuple[str, ...], code: int, words: str) -> None:
    done = types(*args)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rental_from_orphan_to_gone(types: Types, market: Served, tmp_path: Path) -> None:
    state = tmp_path / "swarmctl"
    id_ = hire(market, state, 3600)
    found = types("orphans", "--json")
    assert found.returncode == 10
    assert json.loads(found.stdout)["loose"] == [id_]
    wrong = types("orphans", VAST_API_KEY="not-the-key")
    assert wrong.returncode == 5
    assert wrong.stdout == ""
    assert "the key is not valid" in wrong.stderr
    unasked = types("reap")
    assert unasked.returncode == 10
    assert "--yes" in unasked.stderr
    denied = types("down", "--lease", id_, VAST_API_KEY="not-the-key")
    assert denied.returncode == 5
    assert int(id_) in market.billing()
    gone = types("reap", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert f"{id_}  gone" in gone.stdout
    assert int(id_) not in market.billing()
    after = types("orphans")
    assert (after.returncode, after.stdout) == (0, "none: the market lists no machine under a label of ours\n")


def test_down_all_asks_and_then_ends(types: Types, market: Served, tmp_path: Path) -> None:
    id_ = hire(market, tmp_path / "swarmctl", 3600)
    assert types("down", "--all").returncode == 10
    assert int(id_) in market.billing()
    done = types("down", "--all", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["gone"] == [id_]
    assert market.billing() == []


def test_no_market_is_no_empty_market(types: Types) -> None:
    done = types("orphans", VAST_URL="http://10.0.0.1")
    assert done.returncode == 3
    assert "no address to send a key to" in done.stderr


def test_every_example_of_the_help_works(types: Types, market: Served, tmp_path: Path) -> None:
    id_ = hire(market, tmp_path / "swarmctl", 3600)
    (tmp_path / "swarmctl" / "swarms" / "seven").mkdir(parents=True)  # as if it were up
    for name in RENTING:
        typed = [*examples()[name], *(["--yes"] if name == "extend" else [])]
        done = types(*typed)
        assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
    assert types("down", "--lease", id_).returncode == 0


def test_a_machine_is_extended_and_its_bill_explained(market: Served, types: Types, tmp_path: Path) -> None:
    id_ = hire(market, tmp_path / "swarmctl", 7200)
    refused = types("extend", "--swarm", "seven", "--ttl", "1h", "--yes")
    assert refused.returncode == 3
    assert "which is longer" in refused.stderr
    unasked = types("extend", "--swarm", "seven", "--ttl", "+2h")
    assert unasked.returncode == 130
    assert "nobody is here to say yes" in unasked.stderr
    done = types("extend", "--lease", id_, "--ttl", "+2h", "--budget", "30", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == "swarmctl/extended/v1"
    assert told["expires"] == told["expired_before"] + 7200
    assert "more than promised before" in done.stderr
    listed = json.loads(types("orphans", "--json").stdout)
    assert [one["expires"] for one in listed["machines"] if one["id"] == id_] == [told["expires"]]
    cost = json.loads(types("cost", "--swarm", "seven", "--json").stdout)
    (one,) = [machine for machine in cost["machines"] if machine["id"] == id_]
    assert (one["state"], one["budget"], one["by"]) == ("held", "30", "ttl")
    assert types("down", "--lease", id_, "--yes").returncode == 0
    page = types("cost", "--swarm", "seven")
    assert page.returncode == 0, page.stderr
    assert f"bill of {id_}" in page.stdout


def test_reap_by_a_clock_that_runs_ahead_spares_what_is_not_over(types: Types, market: Served, tmp_path: Path) -> None:
    """The market's Date comes with every answer over HTTP."""
    id_ = hire(market, tmp_path / "swarmctl", 3600)
    ahead = "import sys, runpy, time; real = time.time; time.time = lambda: real() + 9 * 3600\n"
    ahead += "import swarmctl.effects.clock as c; from datetime import datetime, UTC, timedelta\n"
    ahead += "c.SystemClock.now = lambda self: datetime.now(UTC) + timedelta(hours=9)\n"
    ahead += "sys.argv = ['swarmctl', 'reap', '--expired', '--yes']; runpy.run_module('swarmctl', run_name='__main__')"
    place = {"XDG_STATE_HOME": str(tmp_path), "VAST_URL": market.url, "VAST_API_KEY": market.key}
    done = subprocess.run(
        [sys.executable, "-c", ahead], capture_output=True, text=True, env={**os.environ, **place}, timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 10, done.stderr
    assert "9h" in done.stderr
    assert "ahead of the market's" in done.stderr
    assert int(id_) in market.billing()
    assert types("down", "--lease", id_, "--yes").returncode == 0
    assert int(id_) not in market.billing()
