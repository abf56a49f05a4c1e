"""One round of the guard after the other, figure by figure: what it counts, remembers, says and asks for."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, Host

ANCHOR = {"at": 1000, "wall": 500, "boot": 50, "boot_id": "one"}


class Clocks:
    """A host's clocks, each where it is put."""

    def __init__(self, wall: int = 500, boot: int = 50, id_: str = "one") -> None:
        self.wall, self.boot, self.boot_id = (lambda: wall), (lambda: boot), (lambda: id_)


@pytest.mark.parametrize(
    ("clock", "last", "now", "fresh"),
    [
        (Clocks(boot=57), 0, 1007, False),
        (Clocks(wall=9, boot=57), 0, 1007, False),
        (Clocks(boot=57), 1100, 1100, False),
        (Clocks(wall=530, boot=3, id_="two"), 0, 1030, True),
        (Clocks(wall=530, boot=3, id_="two"), 1100, 1100, True),
        (Clocks(wall=9, boot=3, id_="two"), 1005, 1005, True),
    ],
)
def test_now_is_what_whoever_armed_would_say(clock: Clocks, last: int, now: int, fresh: bool) -> None:
    state: dict[str, Any] = {"anchor": ANCHOR, "last": last, "next": 7, "tries": 8}
    assert GUARD.market_now(state, clock) == now == state["last"]
    if fresh:
        assert state["anchor"] == GUARD.anchored(now, clock)
        assert state["anchor"] == {"at": now, "wall": clock.wall(), "boot": 3, "boot_id": "two"}
    assert (state["next"], state["tries"]) == ((0, 0) if fresh else (7, 8))
    first: dict[str, Any] = {"anchor": ANCHOR}
    assert GUARD.market_now(first, clock) == first["last"] == (now if last == 0 else first["last"])


def test_a_new_mark_is_use_and_the_same_is_none() -> None:
    state: dict[str, Any] = {}
    assert [GUARD.last_use(state, mark, now) for mark, now in (("", 5), ("", 6), ("a", 7), ("a", 8), ("", 9))] == [
        5, 5, 7, 7, 9,
    ]  # fmt: skip
    assert GUARD.last_use({"mark": "a", "used": 3}, "a", 9) == 3
    assert GUARD.last_use({"mark": "a"}, "a", 9) == 9


def test_time_and_traffic_are_paid_rounded_up() -> None:
    config = {"terms": GUARD.Terms(10**6, 0, 3600), "down": 10, "up": 20}
    state: dict[str, Any] = {}
    assert GUARD.paid(config, state, [0, 0], 5) == 5
    assert state == {"counted": [0, 0], "bytes": [0, 0]}
    assert GUARD.paid(config, state, [10**9, 0], 5) == 15
    assert GUARD.paid(config, state, [10**9, 10**9 + 1], 5) == 36
    assert GUARD.paid(config, state, [5 * 10**8, 10**9 + 1], 5) == 41, "begun anew"
    assert state == {"counted": [5 * 10**8, 10**9 + 1], "bytes": [15 * 10**8, 10**9 + 1]}


def known(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((host.folder / GUARD.STATE).read_text())
    return found


def test_arming_forgets_all_but_bytes_and_marks(tmp_path: Path) -> None:
    host = Host(tmp_path)
    (tmp_path / GUARD.STATE).write_text(json.dumps({
        "anchor": ANCHOR, "mark": "m", "bytes": [1, 2], "counted": [3, 4], "ending": "ttl", "warned": "300",
        "tries": 9, "next": 9, "idle": True,
    }))  # fmt: skip
    host.arm(2_000_000)
    anchor = {"at": 2_000_000, "wall": 5000, "boot": 100, "boot_id": "boot-1"}
    assert known(host) == {
        "anchor": anchor, "last": 2_000_000, "used": 2_000_000, "tries": 0,
        "mark": "m", "bytes": [1, 2], "counted": [3, 4],
    }  # fmt: skip
    assert (tmp_path / GUARD.GOOD).read_text() == (tmp_path / GUARD.CONFIG).read_text()
    assert len((tmp_path / GUARD.ARMED).read_text()) == 65


def test_settings_that_come_in_are_looked_at_before_they_are_written(tmp_path: Path) -> None:
    host = Host(tmp_path)
    before = (tmp_path / GUARD.CONFIG).read_text()
    with pytest.raises(GUARD.GuardError):
        GUARD.arm(host.machine, host.hands, 5, "{}")
    assert (tmp_path / GUARD.CONFIG).read_text() == before
    other = json.dumps({**host.settings, "idle": 7})
    GUARD.arm(host.machine, host.hands, 5, other)
    assert (tmp_path / GUARD.CONFIG).read_text() == other == (tmp_path / GUARD.GOOD).read_text()
    (tmp_path / GUARD.CONFIG).unlink()
    with pytest.raises(GUARD.GuardError, match="no JSON"):
        GUARD.arm(host.machine, host.hands, 5)


def test_where_nobody_armed_its_own_clock_has_to_do(tmp_path: Path) -> None:
    host = Host(tmp_path, since=4_000, deadline=9_000, idle=0)
    (tmp_path / GUARD.STATE).unlink()
    assert GUARD.show(host.machine, host.hands)["now"] == 5_000
    assert host.round()[0] == "watch"
    assert known(host)["anchor"] == GUARD.anchored(5_000, host.hands)
    assert known(host)["last"] == 5_000


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (900, "ttl: this machine ends in 15 min 0 s"), (301, "ttl: this machine ends in 5 min 1 s"),
        (300, "ttl: this machine ends in 5 min 0 s"), (61, "ttl: this machine ends in 1 min 1 s"),
        (60, "ttl: this machine ends in 1 min 0 s"), (0, "ttl: this machine ends in 0 min 0 s"),
    ],
)  # fmt: skip
def test_how_near_the_end_is_is_said_in_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left: int, text: str
) -> None:
    machine, state = GUARD.Machine(tmp_path), dict[str, Any]()
    found = GUARD.Decision("save" if left <= 60 else "warn", "ttl", left)
    GUARD._warn(machine, state, found)
    GUARD._warn(machine, state, found)
    assert capsys.readouterr().out == f"{text}\n", "once"
    assert (tmp_path / "run/swarmctl/warning").read_text() == f"{text}\n"
    assert state["warned"] == ("save" if left <= 60 else "300" if left <= 300 else "900")


def test_what_idle_waits_for_is_said_and_what_is_late_is_no_less_than_nothing(tmp_path: Path) -> None:
    machine = GUARD.Machine(tmp_path)
    GUARD._warn(machine, {}, GUARD.Decision("save", "idle", 500))
    assert (tmp_path / GUARD.WARNING).read_text() == "idle: this machine ends once its results are fetched\n"
    GUARD._warn(machine, {}, GUARD.Decision("save", "ttl", -70))
    assert (tmp_path / GUARD.WARNING).read_text() == "ttl: this machine ends in 0 min 0 s\n"
    GUARD._warn(machine, {}, GUARD.Decision("warn", "idle", 200))
    assert (tmp_path / GUARD.WARNING).read_text() == "idle: this machine ends in 3 min 20 s\n"


@pytest.mark.parametrize(("left", "seconds"), [(60, 60), (30, 30), (1, 1)])
def test_saving_has_the_reserve_and_what_is_left_of_it(tmp_path: Path, left: int, seconds: int) -> None:
    host = Host(tmp_path, idle=0, deadline=1_000_000 + GUARD.MARGIN + left)
    host.leave_results()
    assert host.round() == ("save", "ttl")
    assert host.done == [f"saved within {seconds}"]


def test_results_of_an_idle_machine_are_saved_at_once_even_without_a_reserve(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=60, reserve=0)
    host.leave_results()
    host.round()
    host.hands.go(60)
    assert host.round() == ("save", "idle")
    assert host.done == ["saved within 1"]


WAITS = [15, 30, 60, 120, 240, 300, 300]


def test_a_market_that_refuses_is_asked_ever_more_seldom(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path, idle=0, deadline=1_000_000)
    host.market.answers = ["500 no"] * 9
    for n, wait in enumerate(WAITS, 1):
        host.round()
        assert (known(host)["tries"], known(host)["next"] - known(host)["last"]) == (n, wait)
        host.hands.go(wait - 1)
        host.round()
        assert len(host.market.asked) == n, "not before its time"
        host.hands.go(1)
    assert host.done == ["stopped"]
    said = capsys.readouterr().out.splitlines()
    assert said[1:3] == ["ttl: the end begins", "destroy, try 1: 500 no"]
    assert known(host)["ending"] == "ttl"
    assert known(host)["idle"] is True


def test_a_market_that_says_done_is_asked_soon_again_for_a_while(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Host(tmp_path, idle=0, deadline=1_000_000)
    for n in range(1, GUARD.OFTEN + 1):
        host.round()
        assert (known(host)["tries"], known(host)["next"] - known(host)["last"]) == (n, 15)
        host.hands.go(15)
    host.round()
    assert known(host)["next"] - known(host)["last"] == 300
    assert "destroy, try 21: the market says that it is done" in capsys.readouterr().out
    assert (GUARD.OFTEN, GUARD.FIRST, GUARD.LONGEST, GUARD.EVERY) == (20, 15, 300, 15)


def test_why_its_end_began_is_kept_before_anything_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path, idle=0, deadline=1_000_000)
    seen = []
    monkeypatch.setattr(host.market, "end", lambda how: seen.append(known(host)["ending"]) or "")
    host.round()
    assert seen == ["ttl"]


def test_what_it_knows_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path, idle=60)
    host.round()
    host.hands.go(30)
    capsys.readouterr()
    assert GUARD.main(["show"], host.machine, host.hands) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown.pop("armed") == (tmp_path / GUARD.ARMED).read_text().strip()
    assert shown == {
        "now": 1_000_030, "ends": 1_028_755, "why": "ttl", "spent": 8334, "used": 1_000_000, "ending": "", "tries": 0,
    }  # fmt: skip
    (tmp_path / GUARD.ARMED).unlink()
    assert GUARD.show(host.machine, host.hands)["armed"] == ""
    host.hands.go(30)
    host.market.answers = ["500 no"]
    host.round()
    found = GUARD.show(host.machine, host.hands)
    assert (found["ending"], found["tries"], found["used"]) == ("idle", 1, 1_000_000)


def test_a_memory_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path)
    host.full = True
    host.round()
    assert "var/lib/swarmctl/guard.state cannot be written: No space left on device" in capsys.readouterr().out


def test_what_is_wrong_is_told_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path)
    assert GUARD.main(["arm", "soon"], host.machine, host.hands) == 2
    assert "guard arm EPOCH" in capsys.readouterr().err
    assert GUARD.main(["arm", "1000500"], host.machine, host.hands) == 0
    assert known(host)["anchor"]["at"] == 1_000_500
    (tmp_path / GUARD.CONFIG).unlink()
    assert GUARD.main(["arm", "5"], host.machine, host.hands) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("guard: the settings are no JSON")
    assert captured.out == "armed\n"


def test_watching_says_what_is_wrong_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host = Host(tmp_path)
    for name in (GUARD.CONFIG, GUARD.GOOD):
        (tmp_path / name).unlink()
    slept: list[int] = []

    def sleep(seconds: int) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(GUARD.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        GUARD.main(["watch"], host.machine, host.hands)
    assert slept == [15, 15, 15]
    assert capsys.readouterr().out.count("the settings are no JSON") == 3


def test_bytes_from_before_the_first_look_count(tmp_path: Path) -> None:
    config = {"terms": GUARD.Terms(10**6, 0, 0), "down": 10**9, "up": 10**9}
    for line, money in (([7, 0], 7), ([0, 7], 7), ([7, 8], 15)):
        assert GUARD.paid(config, {}, line, 5) == money


def test_why_its_end_began_stays_why_and_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path, idle=60, price=3_600_000, budget=3_600_000)
    host.market.answers = ["500 no"] * 99
    assert host.until("end") == 60
    host.hands.go(3600)
    assert host.round() == ("destroy", "budget"), "what holds now"
    assert known(host)["ending"] == "idle", "what began it"
    assert capsys.readouterr().out.count("the end begins") == 1


def test_settings_come_in_on_stdin_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path)
    before = (tmp_path / "etc/swarmctl/guard.json").read_text()
    monkeypatch.setattr(GUARD.sys, "stdin", io.StringIO(json.dumps({**host.settings, "idle": 7})))
    assert GUARD.main(["arm", "1000500"], host.machine, host.hands) == 0
    assert (tmp_path / "etc/swarmctl/guard.json").read_text() == before, "nothing is read unasked"
    assert GUARD.main(["arm", "1000500", "-"], host.machine, host.hands) == 0
    assert json.loads((tmp_path / "etc/swarmctl/guard.json").read_text())["idle"] == 7
    kept = {path.name for path in (tmp_path / "var/lib/swarmctl").iterdir()}
    assert kept == {"guard.state", "guard.armed", "guard.good"}
    assert GUARD.show(host.machine, host.hands)["tries"] == 0


def test_what_it_saw_is_kept_before_it_does_anything(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=60)
    host.leave_results()
    host.round()
    host.hands.go(60)
    seen = []
    host.machine.save = lambda _: seen.append(known(host)["last"])
    host.round()
    assert seen == [1_000_060]
