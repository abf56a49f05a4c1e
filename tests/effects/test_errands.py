"""Work beside `up`: begun once, waited for, and ended with it."""

import threading
from collections.abc import Callable

import pytest

from swarmctl.effects.clock import SystemClock
from swarmctl.effects.errands import Errand, Errands
from swarmctl.effects.timeline import Timeline
from swarmctl.errors import Cancelled, HostError, SpecError


def quietly(_what: str, _done: int, _total: int | None) -> None:
    pass


def test_one_is_begun_once_and_its_failure_is_that_of_whoever_waits() -> None:
    told: list[str] = []

    def fail(_: Errand) -> None:
        told.append("tried")
        raise HostError("the cable")

    with Errands() as errands:
        errands.begin("a", "models", fail)
        errands.begin("a", "models", fail)
        with pytest.raises(HostError, match="the cable"):
            errands.wait("a", quietly)
        assert told == ["tried"]
        assert not errands.begun("a"), "another try may be begun"
        errands.begin("a", "models", lambda errand: errand.watch("b", 1, 2))
        errands.wait("a", quietly)


def test_what_goes_on_is_told_while_it_is_waited_for() -> None:
    go, told = threading.Event(), list[tuple[str, int, int | None]]()

    def work(errand: Errand) -> None:
        errand.watch("model", 5, 10)
        assert go.wait(20)

    def tell(*said: object) -> None:
        told.append(said)  # type: ignore[arg-type]
        go.set()

    with Errands() as errands:
        errands.begin("a", "models", work)
        errands.wait("a", tell)
    assert told[0] == ("model", 5, 10)


def _endless(begun: threading.Event, ended: list[str]) -> Callable[[Errand], None]:
    def work(errand: Errand) -> None:
        begun.set()
        try:
            while not errand.stopped.wait(0.01):
                pass
            errand.go_on()
        except Cancelled:
            ended.append(errand.name)
            raise

    return work


def test_the_end_ends_all_of_it_and_then_calls_what_was_asked_for() -> None:
    begun, ended = threading.Event(), list[str]()

    def broken_off() -> None:
        with Errands() as errands:
            errands.at_end(lambda: ended.append("line closed"))
            errands.begin("a", "models", _endless(begun, ended))
            assert begun.wait(20)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert ended == ["a", "line closed"]


def test_what_makes_all_in_vain_is_known_without_waiting() -> None:
    def soft(_: Errand) -> None:
        raise HostError("no Python yet")

    def hard(errand: Errand) -> None:
        errand.in_vain = True
        raise SpecError("no such file")

    with Errands() as errands:
        errands.begin("soft", "models", soft)
        with pytest.raises(HostError):
            errands.wait("soft", quietly)
        errands.check()
        errands.begin("hard", "models", hard)
        with pytest.raises(SpecError):
            errands.wait("hard", quietly)
        errands.begin("hard", "models", hard)
        assert errands._begun["hard"].ended.wait(20)
        with pytest.raises(SpecError, match="no such file"):
            errands.check()


def test_at_most_two_of_a_kind_go_at_once_and_waiting_is_no_part_of_a_step() -> None:
    line, go = Timeline(SystemClock()), threading.Event()
    at_work, most = list[str](), list[int]()

    def work(errand: Errand) -> None:
        at_work.append(errand.name)
        most.append(len(at_work))
        assert go.wait(20)
        at_work.remove(errand.name)

    with Errands().beside(line) as errands:
        for name in "abcd":
            errands.begin(name, "models", work, alone=True)
        threading.Timer(0.3, go.set).start()
        for name in "abcd":
            errands.wait(name, quietly)
        line.add("load", 0.2)
    assert max(most) == 2
    parts = dict(line.parts)
    assert parts["models"] > 0.2
    assert parts["load"] < 0.1, "it was waited for"
