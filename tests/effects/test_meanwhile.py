"""A look that goes on while others do: its answer or its error comes where it is asked for."""

import threading

import pytest

from swarmctl.effects.meanwhile import begin
from swarmctl.errors import HostError


def test_a_look_goes_on_before_its_answer_is_asked_for() -> None:
    looked = threading.Event()

    def look() -> int:
        looked.set()
        return 7

    answer = begin(look)
    assert looked.wait(10)
    assert answer() == answer() == 7


def test_what_went_wrong_is_raised_where_the_answer_is_asked_for() -> None:
    def look() -> int:
        raise HostError("nobody answers")

    answer = begin(look)
    with pytest.raises(HostError, match="nobody answers"):
        answer()


def test_one_that_may_not_go_on_beside_others_waits_until_it_is_asked() -> None:
    done: list[int] = []
    answer = begin(lambda: done.append(threading.get_ident()), beside=False)
    assert not done
    answer()
    assert done == [threading.get_ident()]
