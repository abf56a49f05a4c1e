"""A guard is given other terms by the real program, and what it then holds to is read back."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.guarding import GUARD, Host, Way
from swarmctl.core.leasing.guardfile import GuardFile
from swarmctl.core.leasing.limits import spent
from swarmctl.effects.hosts.guarding import PROGRAM, carried_on, rearm, renewed, terms_of, watching
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

pytestmark = pytest.mark.slow
NOW = 1_003_000


class Still:
    """A clock of ours that stands."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW, UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(Host(tmp_path))


def held(way: Way) -> GuardFile:
    found = terms_of(way)
    assert found is not None
    return found


def test_another_end_is_taken_up_and_an_end_that_has_begun_called_off(way: Way) -> None:
    way.host.market.answers = ["0 refused"] * 9
    way.host.until("end")
    assert watching(way).ending == "idle"
    seen = rearm(way, held(way).later(1_100_000, Decimal(200)), Still())
    assert (seen.ending, seen.why, seen.ends) == ("", "ttl", 1_100_000 - GUARD.MARGIN)
    assert seen.now == NOW, "it counts by our clock from now on"
    assert held(way).terms.deadline == 1_100_000
    assert way.host.round()[0] == "watch"


def test_new_settings_go_on_with_what_was_spent_until_now(way: Way) -> None:
    old = held(way)
    spent_now = spent(old.terms, NOW)
    fresh = replace(old, terms=replace(old.terms, since=NOW - 10, idle=60, spent=0))
    assert carried_on(way, fresh, NOW).terms == replace(old.terms, idle=60), "at the same price it counts on"

    dearer = replace(fresh, terms=replace(fresh.terms, price=old.terms.price * 3))
    found = carried_on(way, dearer, NOW)
    assert spent(found.terms, NOW) == spent_now > 0
    assert spent(found.terms, NOW + 3600) == spent_now + old.terms.price * 3

    other = replace(fresh, instance=old.instance + "0")
    assert carried_on(way, other, NOW) == other, "another machine's"
    (way.host.folder / GUARD.CONFIG).write_text("{")
    assert carried_on(way, fresh, NOW) == fresh
    (way.host.folder / GUARD.CONFIG).unlink()
    assert carried_on(way, fresh, NOW) == fresh


def test_a_machine_without_a_guard_is_told_apart(way: Way) -> None:
    (way.host.folder / GUARD.CONFIG).unlink()
    assert terms_of(way) is None


@pytest.mark.parametrize("word", ["arm", "show"])
@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_breaks_is_an_error(way: Way, word: str, after: bool) -> None:
    wanted = held(way).later(1_100_000, Decimal(200))
    way.lost, way.after = word, after
    with pytest.raises(HostError, match="broke"):
        rearm(way, wanted, Still())


def test_settings_that_the_guard_refuses_leave_the_old_ones(way: Way) -> None:
    before = held(way)
    wrong = replace(before, terms=replace(before.terms, at_end="keep"))
    with pytest.raises(HostError, match="did not take up") as caught:
        rearm(way, wrong, Still())
    assert "at_end is none of" in caught.value.detail
    assert held(way) == before


@pytest.mark.parametrize("said", ["", "{}", "[]", '{"now": "x"}', '{"now": 1e999, "ends": 1, "spent": 1}'])
def test_a_guard_that_says_nonsense_is_an_error(said: str) -> None:
    class Mad:
        def run(self, _argv: list[str], **_: object) -> Completed:
            return Completed(said, "", 0)

    with pytest.raises(HostError, match="does not say"):
        watching(Mad())
    with pytest.raises(HostError, match="cannot be read"):
        terms_of(Mad())


def test_what_was_spent_at_the_old_price_stays_spent(way: Way) -> None:
    old = held(way)
    same = renewed(old, 1_003_600, 1_050_000, Decimal(50), Decimal(1))
    assert (same.terms.since, same.terms.spent, same.terms.budget) == (1_000_000, 0, 50_000_000)
    assert renewed(old, 1_003_600, 1_050_000, None, None).terms.price == old.terms.price
    dearer = renewed(old, 1_003_600, 1_050_000, Decimal(50), Decimal(3))
    assert (dearer.terms.since, dearer.terms.spent, dearer.terms.price) == (1_003_600, 1_000_000, 3_000_000)
    assert GUARD.spent(dearer.terms, 1_003_600) == GUARD.spent(old.terms, 1_003_600)


class Heard:
    """A way that remembers how it was asked, and whose guard knows something."""

    def __init__(self, known: dict[str, object] | None = None, settings: str = "") -> None:
        self.said = {"sh": settings, PROGRAM: json.dumps(known or KNOWN)}
        self.asked: list[tuple[list[str], dict[str, object]]] = []

    def run(self, argv: list[str], **terms: object) -> Completed:
        self.asked.append((argv, terms))
        return Completed(self.said[argv[0]], "", 0)


KNOWN = {"now": 1, "ends": 2, "why": "ttl", "spent": 3, "armed": "a", "ending": ""}
ROOT = {"seconds": 60.0, "root": True}


def test_only_root_is_asked_and_in_a_minute(way: Way) -> None:
    given = held(way)
    asks = Heard({**KNOWN, "armed": given.armed}, given.text())
    assert terms_of(asks) == given
    assert rearm(asks, given, Still()).armed == given.armed
    file, program = "/etc/swarmctl/guard.json", "/usr/local/lib/swarmctl/guard"
    assert asks.asked == [
        (["sh", "-c", f"test -e {file} || exit 9; cat {file}"], ROOT),
        ([program, "arm", str(NOW), "-"], {**ROOT, "stdin": given.text().encode()}),
        ([program, "show"], {**ROOT, "check": True}),
    ]
    seen = watching(Heard())
    assert (seen.now, seen.ends, seen.why, seen.spent, seen.armed, seen.ending) == (1, 2, "ttl", 3, "a", "")


@pytest.mark.parametrize("name", KNOWN)
def test_a_guard_that_leaves_something_out_is_an_error(name: str) -> None:
    with pytest.raises(HostError, match="does not say"):
        watching(Heard({key: value for key, value in KNOWN.items() if key != name}))
