"""The chain of an `up`: what went on beside what, and the longest way."""

import pytest

from swarmctl.core.chain import AFTER, Span, chain


def spans(**parts: tuple[float, float]) -> list[Span]:
    named = {"docker": "packages and Docker", "walls": "firewall and settings"}
    return [Span(named.get(name, name), *at) for name, at in parts.items()]


def test_the_longest_way_leads_through_the_slower_branch() -> None:
    found = chain(
        spans(
            rent=(0, 2), boot=(2, 10), SSH=(10, 11), docker=(11, 31), models=(11, 21), images=(31, 41), load=(41, 46)
        ),
        47.0,
    )
    assert found.critical == pytest.approx(46)
    assert [link.part for link in found.links if not link.critical] == ["models"]
    assert found.ratio == pytest.approx(47 / 46)
    (docker,) = [link for link in found.links if link.part == "packages and Docker"]
    assert docker.beside == ("models",)


def test_large_models_are_the_longest_way() -> None:
    found = chain(
        spans(SSH=(0, 1), docker=(1, 10), models=(1, 101), images=(10, 15), containers=(15, 16), load=(101, 105)), 105
    )
    assert [link.part for link in found.links if link.critical] == ["SSH", "models", "load"]
    assert found.critical == pytest.approx(105)


def test_one_after_the_other_where_nothing_overlaps_is_longer_than_its_way() -> None:
    found = chain(spans(SSH=(0, 1), docker=(1, 11), models=(11, 21), images=(21, 31)), 31)
    assert found.critical == pytest.approx(21)
    assert found.ratio == pytest.approx(31 / 21)


def test_a_part_that_goes_on_twice_at_once_counts_once() -> None:
    twice = [Span("models", 0, 10), Span("models", 5, 12), Span("models", 20, 21)]
    (link,) = chain(twice, 21).links
    assert (link.begun, link.ended, link.seconds) == (0, 21, 13)


def test_a_part_that_nobody_knows_stands_behind_all_others() -> None:
    found = chain([*spans(SSH=(0, 1), load=(1, 3)), Span("a new one", 3, 5)], 5)
    assert found.critical == pytest.approx(5)


def test_nothing_has_no_way() -> None:
    assert chain([], 3.0).ratio == 1.0


def test_no_part_waits_for_itself() -> None:
    known: set[str] = set()
    for name, before in AFTER.items():
        assert known.issuperset(before), name
        known.add(name)
