"""Whose a machine is, what `reap` ends, and whose end stands on a clock that may be wrong."""

import pytest

from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease, read_lease
from swarmctl.core.leasing.ownership import CLOCKS, Found, Me, Whose, doubtful, sort, to_reap, whose

NOW, OURS, THEIRS = 1_800_000_000.0, "a" * 16, "b" * 16
ME = Me(OURS, {"seven"}, NOW)


def lease(number: int, label: str) -> Lease:
    found = read_lease({"id": number, "label": label, "actual_status": "running", "cur_state": "running"})
    assert found is not None
    return found


def called(swarm: str = "seven", owner: str = OURS, left: float = 3600, number: int = 1) -> Lease:
    return lease(number, str(Label(swarm, owner, "1" * 16, int(NOW + left))))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (called(), Whose.HELD),
        (called("other"), Whose.ORPHAN),
        (called(owner=THEIRS), Whose.COLLEAGUE),
        (called("other", THEIRS), Whose.COLLEAGUE),
        (called(left=0), Whose.EXPIRED),
        (called(owner=THEIRS, left=-1), Whose.EXPIRED),
        (lease(1, "swarmctl/seven/broken"), Whose.STRANGE),
        (lease(1, "my own machine"), Whose.FOREIGN),
        (lease(1, ""), Whose.FOREIGN),
    ],
)
def test_a_label_says_whose_it_is(found: Lease, expected: Whose) -> None:
    assert whose(found, ME) is expected


def test_who_has_no_folder_owns_nothing() -> None:
    assert whose(called(), Me(None, (), NOW)) is Whose.COLLEAGUE


def test_what_needs_an_end_comes_first_and_strangers_are_left_out() -> None:
    machines = [
        lease(1, "swarmctl/seven/broken"),
        lease(2, "my own machine"),
        called(owner=THEIRS, number=3),
        called(number=9),
        called(number=4),
        called("other", number=5),
        called(left=-5, number=6),
    ]
    assert [(one.lease.id, one.whose) for one in sort(machines, ME)] == [
        ("6", Whose.EXPIRED),
        ("5", Whose.ORPHAN),
        ("4", Whose.HELD),
        ("9", Whose.HELD),
        ("3", Whose.COLLEAGUE),
        ("1", Whose.STRANGE),
    ]


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        ({}, {Whose.EXPIRED, Whose.ORPHAN}),
        ({"expired_only": True}, {Whose.EXPIRED}),
        ({"any_owner": True}, {Whose.EXPIRED, Whose.ORPHAN, Whose.COLLEAGUE}),
        ({"expired_only": True, "any_owner": True}, {Whose.EXPIRED}),
    ],
)
def test_what_reap_ends(asked: dict[str, bool], ends: set[Whose]) -> None:
    every = [Found(called(), one) for one in Whose]
    assert {one.whose for one in to_reap(every, **asked)} == ends


@pytest.mark.parametrize(
    ("left", "ahead", "sure"),
    [
        (-100, 0.0, True),
        (-100, CLOCKS, True),
        (-100, -CLOCKS, True),
        (-100, CLOCKS + 1, True),
        (-61, CLOCKS + 1, True),
        (-60, CLOCKS + 1, False),
        (-100, 101.0, False),
        (-100, 100.0, True),
        (-100, -500.0, True),
        (-100, None, False),
        (-30, CLOCKS, True),
        (-10, 30.0, True),
        (0, 0.0, True),
        (1 - NOW, None, False),
    ],
)
def test_an_expiry_is_doubted_where_our_clock_is_ahead(left: float, ahead: float | None, *, sure: bool) -> None:
    ending = to_reap(sort([called(left=left)], ME))
    assert len(ending) == 1
    assert (doubtful(ending, ME, ahead) == ()) is sure
    assert doubtful(ending, ME, ahead) in {(), ending}


def test_an_orphan_is_ours_by_any_clock() -> None:
    ending = to_reap(sort([called("other"), called("other", left=-5, number=2), called(left=-5, number=3)], ME))
    assert [one.lease.id for one in doubtful(ending, ME, None)] == ["3"], "it may be at work here"
    theirs = to_reap(sort([called(owner=THEIRS, left=-5)], ME))
    assert doubtful(theirs, ME, None) == theirs
    assert doubtful(theirs, ME, None, any_owner=True) == (), "a colleague's ends whatever the clock says"
    expired = to_reap(sort([called("other", left=-5)], ME), expired_only=True)
    assert doubtful(expired, ME, None, expired_only=True) == expired
    assert doubtful(expired, ME, None) == ()


def test_each_is_called_what_people_read() -> None:
    assert [one.value for one in Whose] == [
        "held", "orphan", "expired", "another swarmctl's", "not readable", "not ours",
    ]  # fmt: skip
