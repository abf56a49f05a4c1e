"""The rule of what runs next: never more disk, memory or cores than may be used, and always to the end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.conversions import GB, prepared
from swarmctl.core.converting.budget import PRELOADED, Budget, State, check, following, least, schedule, taken
from swarmctl.core.converting.graph import Graph, graph
from swarmctl.core.converting.request import Options
from swarmctl.errors import CapacityError

OPTIONS = Options()
MUCH = Budget(None, 10**6, 2)


def _graph(sizes: list[int], *, cores: int = 2) -> Graph:
    return graph([prepared(f"m{n}", size) for n, size in enumerate(sizes)], OPTIONS, "t", cores=cores)


def test_the_largest_model_comes_first_and_two_run_side_by_side() -> None:
    found = _graph([GB, 4 * GB, 2 * GB])
    first = list(following(found, State(), MUCH))
    assert [node.bytes for node in first] == [4 * GB, 2 * GB]


def test_a_model_at_work_is_finished_before_another_is_begun() -> None:
    found = _graph([GB, 2 * GB])
    state = State()
    (one,) = following(found, state, Budget(None, 10**6, 1))
    state.done.add(state.running.pop(one.key).key)
    (two,) = following(found, state, Budget(None, 10**6, 1))
    assert (two.step, two.group) == ("quantise", one.group)


def test_a_tight_disk_makes_models_wait_for_each_other() -> None:
    found = _graph([3 * GB, 3 * GB, 3 * GB])
    wide, tight = schedule(found, MUCH), schedule(found, Budget(least(found), 10**6, 2))
    assert tight.peak == least(found) < wide.peak
    assert tight.seconds > wide.seconds
    assert {one.node.key for one in tight.steps} == {node.key for node in found.nodes}


def test_what_never_fits_is_refused_with_the_budget_that_would_do() -> None:
    found = _graph([3 * GB, GB])
    with pytest.raises(CapacityError) as caught:
        check(found, Budget(least(found) - 1, 10**6, 2))
    assert "--disk-budget" in caught.value.hint
    check(found, Budget(least(found), 10**6, 2))


def test_too_little_memory_for_one_step_is_refused_before_any() -> None:
    with pytest.raises(CapacityError, match="memory"):
        check(_graph([GB]), Budget(None, PRELOADED + 100, 2))


def test_a_failed_model_takes_no_room_and_stops_nobody() -> None:
    found = _graph([3 * GB, GB])
    state = State(failed={found.groups[0].key})
    assert taken(found, state) == 0
    assert {node.group for node in following(found, state, MUCH)} == {found.groups[1].key}


def test_a_small_model_does_not_take_the_room_that_a_large_one_waits_for() -> None:
    found = _graph([GB, 4 * GB, 4 * GB])
    played = schedule(found, Budget(least(found), 10**6, 2))
    assert {one.node.key for one in played.steps} == {node.key for node in found.nodes}


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    spare=st.integers(0, 30),
    memory=st.integers(15_000, 60_000),
    cores=st.integers(1, 4),
)
def test_any_graph_that_passes_the_check_ends_within_its_budget(
    sizes: list[int], spare: int, memory: int, cores: int
) -> None:
    found = _graph([size * GB // 10 for size in sizes], cores=cores)
    budget = Budget(least(found) + spare * GB // 10, memory, cores)
    check(found, budget)
    played = schedule(found, budget)
    assert {one.node.key for one in played.steps} == {node.key for node in found.nodes}
    assert played.peak <= (budget.disk or 0)
    for moment in {one.begin for one in played.steps}:
        running = [one.node for one in played.steps if one.begin <= moment < one.end]
        assert len(running) == 1 or sum(n.memory for n in running) + PRELOADED <= memory
        assert len(running) == 1 or sum(n.threads or cores for n in running) <= cores
