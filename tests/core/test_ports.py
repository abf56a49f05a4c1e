"""Ports are stable, and clear of others'."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.ports import FIRST, LAST, assign


def test_a_service_keeps_its_port() -> None:
    first = assign("demo", ["a", "b"], given={}, busy=frozenset())
    assert assign("demo", ["b", "c", "a"], given=first, busy=frozenset()) | {"c": 0} == {**first, "c": 0}


def test_a_port_that_others_took_is_given_up() -> None:
    first = assign("demo", ["a", "b"], given={}, busy=frozenset())
    again = assign("demo", ["a", "b"], given=first, busy=frozenset({first["a"]}))
    assert again["b"] == first["b"]
    assert again["a"] not in {first["a"], first["b"]}


def test_none_left_is_said() -> None:
    with pytest.raises(ValueError, match="no free port"):
        assign("demo", ["a"], given={}, busy=frozenset(range(FIRST, LAST + 1)))


@given(st.text(min_size=1), st.sets(st.text(), max_size=40), st.frozensets(st.integers(FIRST, LAST), max_size=200))
def test_ports_are_distinct_free_and_the_same_again(swarm: str, names: set[str], busy: frozenset[int]) -> None:
    ordered = sorted(names)
    ports = assign(swarm, ordered, given={}, busy=busy)
    assert len(set(ports.values())) == len(names)
    assert not set(ports.values()) & busy
    assert assign(swarm, ordered, given=ports, busy=busy) == ports
