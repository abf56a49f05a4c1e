"""The lease book: every word of it is on the disk before the next call, and what is odd in it is passed over."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.tinymarket import Hours
from swarmctl.core.leasing.answers import Trouble
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.renting import Attempt, Stage
from swarmctl.effects.providers.leasebook import LeaseBook, Written
from swarmctl.effects.providers.secret import Secret
from swarmctl.errors import HostError

OWNER = "a" * 16


@pytest.fixture
def clock() -> Hours:
    return Hours()


@pytest.fixture
def book(tmp_path: Path, clock: Hours) -> LeaseBook:
    return LeaseBook(tmp_path / "state" / "ledger.sqlite", clock)


def label(n: int, swarm: str = "seven", expires: int = 1_900_000_000) -> Label:
    return Label(swarm, OWNER, f"{n:016x}", expires)


def attempt(n: int, stage: Stage = Stage.INTENDED, **more: object) -> Attempt:
    return Attempt(f"{n:016x}", f"offer-{n}", f"machine-{n}", stage, **more)  # type: ignore[arg-type]


def rented(book: LeaseBook, n: int, *contracts: str, swarm: str = "seven") -> None:
    book.intend(attempt(n), label(n, swarm), Decimal("0.3125"), f"account-{n}")
    book.note(attempt(n, Stage.HELD, contracts=contracts))


def test_empty_book_makes_no_file(book: LeaseBook, tmp_path: Path) -> None:
    assert book.attempts() == ()
    assert book.unsettled() == ()
    assert book.shunned() == {}
    assert list(tmp_path.iterdir()) == []


def test_intent_is_read_back_whole(book: LeaseBook, clock: Hours, tmp_path: Path) -> None:
    book.intend(attempt(1), label(1), Decimal("0.3125"), "account-1")
    (one,) = LeaseBook(tmp_path / "state" / "ledger.sqlite", clock).attempts()
    assert (one.attempt.nonce, one.attempt.offer, one.attempt.machine) == (f"{1:016x}", "offer-1", "machine-1")
    assert (one.attempt.stage, one.attempt.contracts, one.attempt.here) == (Stage.INTENDED, (), False)
    assert (one.attempt.trouble, one.attempt.said) == (None, "")
    assert (one.label, one.hourly, one.account) == (label(1), Decimal("0.3125"), "account-1")
    book.intend(attempt(2), label(2), Decimal(1))
    assert book.attempts()[1].account == ""
    bare = Written(attempt(1), label(1), Decimal(1), 5.0)
    assert (bare.account, bare.changed) == ("", 0.0)
    assert one.intended == one.changed == clock.now().timestamp()
    assert one.ended is None
    assert (tmp_path / "state" / "ledger.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_same_attempt_is_not_written_twice(book: LeaseBook) -> None:
    book.intend(attempt(1), label(1), Decimal(1))
    with pytest.raises(HostError, match="cannot be used"):
        book.intend(attempt(1), label(1), Decimal(1))


def test_note_changes_one_attempt_and_says_when(book: LeaseBook, clock: Hours) -> None:
    book.intend(attempt(1), label(1), Decimal(1))
    book.intend(attempt(2), label(2), Decimal(1))
    begun = clock.now().timestamp()
    clock.seconds += 60
    book.note(attempt(2, Stage.REFUSED, contracts=("7", "8"), trouble=Trouble.CREDIT, said="x" * 400))
    one, two = book.attempts()
    assert (one.attempt.stage, one.changed) == (Stage.INTENDED, begun)
    assert (two.attempt.stage, two.attempt.contracts) == (Stage.REFUSED, ("7", "8"))
    assert (two.attempt.trouble, two.attempt.said) == (Trouble.CREDIT, "x" * 300)
    assert (two.intended, two.changed) == (begun, begun + 60)


def test_attempts_are_in_order_and_by_swarm(book: LeaseBook, clock: Hours) -> None:
    for n, swarm in enumerate(("seven", "other", "seven", "other")):
        clock.seconds += 0 if n == 3 else 10
        book.intend(attempt(9 - n), label(9 - n, swarm), Decimal(1))
    assert [one.label.nonce for one in book.attempts()] == [f"{n:016x}" for n in (9, 8, 7, 6)]
    assert [one.label.nonce for one in book.attempts("other")] == [f"{n:016x}" for n in (8, 6)]
    assert book.attempts("none") == ()


@pytest.mark.parametrize("stage", list(Stage))
def test_what_nobody_knows_is_unsettled(book: LeaseBook, stage: Stage) -> None:
    book.intend(attempt(1), label(1), Decimal(1))
    book.note(attempt(1, stage))
    known = stage in {Stage.HELD, Stage.REFUSED, Stage.ABSENT, Stage.RELEASED}
    assert len(book.unsettled()) == (0 if known else 1)
    assert book.unsettled("other") == ()


def test_another_expiry(book: LeaseBook) -> None:
    rented(book, 1, "7")
    rented(book, 2, "8")
    book.relabelled(label(2, expires=1_950_000_000))
    assert [one.label.expires for one in book.attempts()] == [1_900_000_000, 1_950_000_000]


def test_release_ends_the_attempt_when_its_last_machine_is_gone(book: LeaseBook, clock: Hours) -> None:
    rented(book, 1, "7", "8")
    rented(book, 2, "9")
    book.keep_key("7", Secret("k7"))
    book.keep_key("9", Secret("k9"))
    clock.seconds += 5
    book.released("7")
    one, two = book.attempts()
    assert (one.attempt.stage, one.attempt.contracts, one.ended) == (Stage.HELD, ("8",), None)
    assert (two.attempt.stage, two.attempt.contracts) == (Stage.HELD, ("9",))
    assert book.key("7") is None
    clock.seconds += 5
    book.released("8")
    one, two = book.attempts()
    assert (one.attempt.stage, one.attempt.contracts) == (Stage.RELEASED, ("8",))
    assert one.ended == one.changed == clock.now().timestamp()
    assert two.ended is None
    when = one.changed
    clock.seconds += 5
    book.released("8")
    assert book.attempts()[0].changed == when, "what is gone goes once"
    assert book.key("9") == Secret("k9")


def test_key_of_a_machine_is_for_its_user_alone(book: LeaseBook, tmp_path: Path) -> None:
    assert book.key("7") is None
    book.keep_key("7", Secret("first-and-long"))
    book.keep_key("7", Secret("second"))
    file = tmp_path / "state" / "leasekeys" / "7"
    assert file.read_text() == "second"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = book.key("7")
    assert found is not None
    assert found.reveal() == "second"


def test_key_that_cannot_be_kept_is_said(book: LeaseBook, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "leasekeys").write_text("in the way")
    with pytest.raises(HostError, match="the key of machine 7 cannot be kept"):
        book.keep_key("7", Secret("k"))


def test_one_line_that_nobody_can_read_hides_no_other(book: LeaseBook, tmp_path: Path) -> None:
    rented(book, 1, "7")
    rented(book, 2, "8")
    with sqlite3.connect(tmp_path / "state" / "ledger.sqlite") as db:
        db.execute("update attempts set label = 'nonsense' where nonce = ?", (f"{1:016x}",))
    db.close()
    assert [one.attempt.contracts for one in book.attempts()] == [("8",)]
    book.released("8")
    assert book.attempts()[0].attempt.stage is Stage.RELEASED


def test_a_machine_is_shunned_as_long_as_is_said(book: LeaseBook, clock: Hours) -> None:
    book.shun("5", "it lost its disk", 100)
    book.shun("4", "y" * 400)
    book.shun("", "nobody's")
    assert dict(book.shunned()) == {"4": "y" * 300, "5": "it lost its disk"}
    assert list(book.shunned()) == ["4", "5"]
    clock.seconds += 99
    assert set(book.shunned()) == {"4", "5"}
    clock.seconds += 1
    assert set(book.shunned()) == {"4"}
    book.shun("4", "again", 10)
    clock.seconds += 10
    assert book.shunned() == {}


def test_book_that_cannot_be_written_rents_nothing(book: LeaseBook, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ledger.sqlite").mkdir()
    with pytest.raises(HostError, match=r"the ledger .* cannot be used") as e:
        book.intend(attempt(1), label(1), Decimal(1))
    assert "make room" in e.value.hint


def test_every_change_is_on_the_disk_before_it_is_told(book: LeaseBook, monkeypatch: pytest.MonkeyPatch) -> None:
    said, waits, real = list[str](), [], sqlite3.connect

    def connect(file: Path, *, timeout: float, isolation_level: None) -> sqlite3.Connection:
        db = real(file, timeout=timeout, isolation_level=isolation_level)
        db.set_trace_callback(said.append)
        waits.append(timeout)
        return db

    monkeypatch.setattr(sqlite3, "connect", connect)
    book.intend(attempt(1), label(1), Decimal(1))
    words = [line.strip().lower() for line in said]
    assert words.index("pragma journal_mode = wal") < words.index("pragma synchronous = full")
    assert words[-1].startswith("insert into attempts"), "each by itself, not in a transaction that is left open"
    assert waits == [10], "seconds for which another that writes is waited for"


def test_two_at_once_wait_for_each_other(book: LeaseBook, clock: Hours, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def rent(n: int) -> None:
        rented(LeaseBook(tmp_path / "state" / "ledger.sqlite", clock), n, str(n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(rent, range(1, 25)))
    assert len(book.attempts()) == 24
    assert not (tmp_path / "state" / "leasekeys").exists()
