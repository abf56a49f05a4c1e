"""The ledger's file is opened by several at once, by the first of them too."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import swarmctl.effects.ledgerfile as module
from fakes.tinymarket import Hours
from swarmctl.effects.ledgerfile import opened
from swarmctl.errors import HostError

TABLES = "create table if not exists words (word text);"


class Third(Hours):
    """At the third wait something happens."""

    third: Callable[[], object] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.waits) == 3:
            self.third()


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Third:
    clock = Third()
    monkeypatch.setattr(module, "SystemClock", lambda: clock)
    return clock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


@pytest.fixture
def first(file: Path) -> Iterator[sqlite3.Connection]:
    """Another that is about to write into a file in the old mode, at which SQLite refuses and does not wait."""
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as db:
        db.execute("begin immediate")
        yield db


def test_many_make_it_at_once(file: Path) -> None:
    def write(n: int) -> None:
        with opened(file, TABLES) as db:
            db.execute("insert into words values (?)", (str(n),))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(64)))
    with opened(file, TABLES) as db:
        assert db.execute("select count(*) from words").fetchone() == (64,)
    assert file.stat().st_mode & 0o777 == 0o600


def test_whoever_makes_it_is_waited_for(file: Path, first: sqlite3.Connection, hours: Third) -> None:
    hours.third = lambda: first.execute("commit")
    with opened(file, TABLES) as db:
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert hours.waits == [0.01] * 3


def test_not_without_end(file: Path, first: sqlite3.Connection, hours: Third) -> None:
    with pytest.raises(HostError, match="waited 10 s for another swarmctl that makes the ledger"), opened(file, TABLES):
        pytest.fail("it is held")
    assert first.in_transaction
    assert hours.seconds == pytest.approx(10)


def test_what_is_no_ledger_is_said_at_once(file: Path, hours: Third) -> None:
    file.parent.mkdir()
    file.write_text("no database " * 100)
    with pytest.raises(HostError, match="cannot be used") as e, opened(file, TABLES):
        pytest.fail("it cannot be read")
    assert "not a database" in e.value.detail
    assert hours.waits == []


def test_one_that_may_only_be_read_is_said_at_once(file: Path, hours: Third) -> None:
    """SQLite's refusal is of the same kind as that of a file which another one makes."""
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as db:
        db.execute("create table words (word text)")
    later = bytearray(file.read_bytes())
    later[18] = 9  # the write version of its header: of an SQLite to come
    file.write_bytes(later)
    with pytest.raises(HostError, match="cannot be used") as e, opened(file, TABLES):
        pytest.fail("it cannot be written")
    assert "readonly" in e.value.detail
    assert hours.waits == []
