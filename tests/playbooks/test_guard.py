"""The guard ends a machine in time, whatever the clocks, the market and the user do; its clocks are a test's here."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, PROGRAM, Host, with_deciding

pytestmark = pytest.mark.slow


def test_an_idle_machine_ends_after_its_idle_time(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert host.until("end") == 1800
    assert host.market.asked == ["destroy"]
    assert host.market.keys == ["scoped-key"]
    assert host.done == ["stopped"]


def test_use_keeps_it_until_the_deadline_and_no_longer(tmp_path: Path) -> None:
    host = Host(tmp_path)
    ended = host.until("end", using=600, every=60)
    margin = GUARD.MARGIN + host.settings["reserve"]
    assert 28_800 - margin <= ended < 28_800 - margin + 60


def test_looking_at_it_is_no_use(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.use()
    for _ in range(10):
        host.round()
    host.hands.go(1800)
    assert host.round() == ("destroy", "idle")


def test_the_budget_ends_it_before_a_cent_too_much(tmp_path: Path) -> None:
    host = Host(tmp_path, price=3_600_000, budget=7_200_000, idle=0)
    ended = host.until("end", using=60, every=60)
    assert 1000 * (ended + GUARD.PARTING) < 7_200_000
    assert 7200 - 240 < ended < 7200 - GUARD.MARGIN - GUARD.PARTING


def test_the_guard_decides_as_the_pure_module_does_word_for_word() -> None:
    program = PROGRAM.read_text()
    assert with_deciding(program) == program, "python tests/fakes/guarding.py writes it anew"
    assert "\n# ---\n" in program


def test_a_used_up_budget_is_never_merely_stopped(tmp_path: Path) -> None:
    host = Host(tmp_path, at_end="stop", price=3_600_000, budget=3_600_000, idle=0)
    host.until("end")
    assert host.market.asked == ["destroy"]


def test_results_hold_an_idle_machine_until_they_are_fetched(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.leave_results()
    assert host.until("save") == 1800
    host.hands.go(300)
    assert host.round() == ("save", "idle")
    host.leave_results(there=False)
    assert host.round() == ("destroy", "idle")
    assert [one for one in host.done if one.startswith("saved")] == ["saved within 60"] * 2, "at each look"
    assert (tmp_path / "run/swarmctl/warning").read_text() == "idle: this machine ends once its results are fetched\n"


def test_results_hold_it_for_the_grace_and_no_longer(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.leave_results()
    assert host.until("end") == 1800 + 900


def test_results_hold_nothing_past_the_deadline(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=0, deadline=1_003_600)
    host.leave_results()
    assert host.until("save") >= 3600 - GUARD.MARGIN - 60
    assert host.until("end") <= 60
    assert host.market.asked == ["destroy"]


@pytest.mark.parametrize("at_end", ["destroy", "stop"])
def test_what_is_not_to_be_saved_is_not_waited_for(tmp_path: Path, at_end: str) -> None:
    host = Host(tmp_path, at_end=at_end)
    host.leave_results()
    assert host.until("end") == 1800
    assert host.market.asked == [at_end]


def test_it_warns_at_fifteen_and_at_five_minutes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path, idle=0, deadline=1_003_600)
    host.until("end", every=10)
    said = [line for line in capsys.readouterr().out.splitlines() if "ends in" in line]
    assert [line.split(" ends in ")[1] for line in said] == ["14 min 55 s", "4 min 55 s"]
    assert "4 min 55 s" in (tmp_path / GUARD.WARNING).read_text()


def test_a_market_that_does_not_answer_is_asked_until_it_does(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.market.answers = ["0 refused"] * 6
    host.until("end")
    began = host.hands.boot_now
    times = []
    while len(host.market.asked) < 9:
        before = len(host.market.asked)
        host.round()
        if len(host.market.asked) > before:
            times.append(host.hands.boot_now - began)
        host.hands.go(15)
    gaps = [late - early for early, late in zip([0, *times], times, strict=False)]
    assert gaps == [15, 30, 60, 120, 240, 300, 15, 15]
    assert host.done == ["stopped"]


def test_a_machine_that_comes_back_asks_at_once(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.market.answers = ["0 refused"] * 9
    host.until("end")
    for _ in range(40):
        host.hands.go(15)
        host.round()
    before = len(host.market.asked)
    host.hands.reboot(20)
    assert host.round()[0] == "destroy"
    assert len(host.market.asked) == before + 1


def test_success_is_not_believed_while_the_machine_runs(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.until("end")
    for n in range(2, 1 + GUARD.OFTEN):
        host.hands.go(15)
        host.round()
        assert host.market.asked == ["destroy"] * n
    for _ in range(3):
        host.hands.go(15)
        host.round()
    assert len(host.market.asked) == 1 + GUARD.OFTEN, "then it takes its time"


def test_an_end_is_not_taken_back_by_late_use(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.market.answers = ["0 refused"] * 3
    host.until("end")
    host.hands.go(15)
    host.use()
    assert host.round()[0] == "destroy"


def test_arming_anew_extends_it_and_calls_off_an_end(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=0, deadline=1_003_600)
    host.market.answers = ["0 refused"] * 3
    ended = host.until("end", every=60)
    host.configure(deadline=1_010_000)
    assert host.round()[0] == "destroy"
    host.arm(1_000_000 + ended)
    assert host.round()[0] == "watch"
    assert host.until("end", every=60) > 6000


@pytest.mark.parametrize("jump", [-900_000, 900_000])
def test_a_clock_that_is_set_anew_changes_nothing(tmp_path: Path, jump: int) -> None:
    host = Host(tmp_path, idle=3600)
    host.hands.go(1000)
    host.round()
    host.hands.wall_now += jump
    host.use()
    assert host.round()[0] == "watch"
    assert host.until("end", using=900, every=60) == pytest.approx(27_800 - GUARD.MARGIN - 60, abs=60)


def test_a_host_whose_clock_is_years_off_ends_in_time(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=0)
    host.hands.wall_now = 2_000_000_000
    host.arm(1_000_000)
    assert host.until("end", every=60) == pytest.approx(28_800 - GUARD.MARGIN - 60, abs=60)


def test_a_reboot_keeps_the_count(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=0)
    host.hands.go(20_000)
    host.round()
    host.hands.reboot(100)
    assert host.until("end", every=60) == pytest.approx(8_700 - GUARD.MARGIN - 60, abs=60)


def test_a_reboot_with_the_clock_gone_back_does_not_give_time(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=0)
    host.hands.go(20_000)
    host.round()
    host.hands.reboot()
    host.hands.wall_now = 10
    assert host.until("end") <= 8_800


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"deadline": "soon"}', "\x00", '{"url": 1e999}'])
def test_settings_that_somebody_broke_leave_those_that_were_armed(tmp_path: Path, text: str) -> None:
    host = Host(tmp_path)
    host.machine.write(GUARD.CONFIG, text)
    assert host.until("end") == 1800


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', '{"anchor": 3}', '{"anchor": {}, "last": "x"}'])
def test_a_broken_memory_does_not_stop_it(tmp_path: Path, text: str) -> None:
    host = Host(tmp_path, deadline=5_000 + 3600, since=5_000, idle=0)
    host.machine.write(GUARD.STATE, text)
    assert host.until("end", every=60) <= 3600


HOSTILE: list[tuple[str, Any]] = [
    ("url", "ftp://x"), ("url", ""), ("url", 3), ("instance", "7; rm"), ("instance", ""), ("deadline", -1),
    ("deadline", 0), ("deadline", 1e18), ("deadline", "1"), ("deadline", True), ("price", -1), ("price", 10**18),
    ("budget", None), ("at_end", "keep"), ("reserve", -1), ("since", 0), ("key_file", ""),
    ("spent", -1), ("down", -1), ("up", 10**15), ("marks", "/x"), ("marks", [1]), ("marks", [""]), ("budget", -2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_settings_that_cannot_be_guarded_by_are_refused_when_armed(tmp_path: Path, name: str, value: Any) -> None:
    host = Host(tmp_path)
    with pytest.raises(GUARD.GuardError, match=name):
        GUARD.settings(json.dumps({**host.settings, name: value}))


def test_a_full_disk_does_not_keep_it_alive(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.use()
    host.round()
    host.full = True
    assert host.until("end") == 1800
    assert host.market.asked == ["destroy"]


def test_a_lost_key_ends_the_work_and_is_said_without_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path)
    (tmp_path / "etc/swarmctl/guard.key").unlink()
    host.until("end")
    assert host.done == ["stopped"]
    assert "cannot be read" in capsys.readouterr().out


def test_its_files_are_for_root_alone(tmp_path: Path) -> None:
    Host(tmp_path)
    for name in (GUARD.STATE, GUARD.GOOD, GUARD.ARMED):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, name
