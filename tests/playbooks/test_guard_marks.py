"""What the guard reads of its machine: marks of work and of results, and bytes that went over the line."""

import os
from pathlib import Path

import pytest

from fakes.guarding import DATA, GUARD, Host

pytestmark = pytest.mark.slow


def test_what_goes_over_the_line_is_paid_too(tmp_path: Path) -> None:
    host = Host(tmp_path, price=3_600_000, budget=7_200_000, idle=0, down=1_000_000, up=2_000_000)
    host.line = [2 * 10**9, 10**9]
    assert host.round()[0] == "watch"
    host.line = [5 * 10**8, 0]  # it has started anew
    for _ in range(3):
        host.round()
    known = GUARD.show(host.machine, host.hands)
    assert (known["spent"], known["why"]) == (4_500_000, "budget")
    assert known["ends"] == 1_000_000 + 2700 - GUARD.MARGIN - GUARD.PARTING
    host.arm(1_000_000)
    assert GUARD.show(host.machine, host.hands)["spent"] == 4_500_000, "arming anew forgets no byte"
    host.line = [3_200_000_000, 0]
    assert host.round() == ("destroy", "budget")


def test_bytes_are_counted_where_the_way_outside_is(tmp_path: Path) -> None:
    table = "Iface\tDestination\tGateway\neth0\t00000000\t0101A8C0\ndocker0\t000011AC\t00000000\n"
    for name, text in {
        "proc/net/route": table,
        **_statistics("eth0", 70, 8),
        **_statistics("docker0", 900, 900),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert GUARD.Machine(tmp_path).counters() == [70, 8]
    (tmp_path / "sys/class/net/eth0/statistics/rx_bytes").write_text("many")
    assert GUARD.Machine(tmp_path).counters() == [0, 8]
    assert GUARD.Machine(tmp_path / "nowhere").counters() == [0, 0]


def _statistics(way: str, down: int, up: int) -> dict[str, str]:
    folder = f"sys/class/net/{way}/statistics"
    return {f"{folder}/rx_bytes": f"{down}\n", f"{folder}/tx_bytes": f"{up}\n"}


def test_a_mark_with_a_date_to_come_hides_no_other_mark(tmp_path: Path) -> None:
    host = Host(tmp_path)
    other = tmp_path / "var/lib/swarmctl/swarms/seven/data/forwarder-gpu0/activity"
    other.parent.mkdir(parents=True)
    other.touch()
    os.utime(other, ns=(2**62, 2**62))
    host.round()
    host.hands.go(1700)
    host.use()
    assert host.round()[0] == "watch"
    host.hands.go(1700)
    assert host.round()[0] == "watch"
    host.hands.go(100)
    assert host.round() == ("destroy", "idle")


def test_a_mark_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.use()
    mark = tmp_path / DATA / "activity"
    target = tmp_path / "busy"
    target.touch()
    mark.unlink()
    mark.symlink_to(target)
    last = host.round()
    for second in range(1, 121):
        os.utime(target, ns=(second, second))
        host.hands.go(15)
        last = host.round()
    assert last == ("destroy", "idle")


def test_marks_are_read_where_the_settings_say(tmp_path: Path) -> None:
    host = Host(tmp_path, marks=["/srv/*/data"])
    host.leave_results()
    host.use()
    assert host.machine.unfetched(["/srv/*/data"]) is False
    assert host.machine.mark(["/srv/*/data"]) == ""
    place = tmp_path / "srv/x/data"
    place.mkdir(parents=True)
    (place / "results-unfetched").touch()
    (place / "activity").touch()
    assert host.machine.unfetched(["/srv/*/data"]) is True
    assert host.machine.mark(["/srv/*/data"]) != ""


def test_where_no_container_works_a_program_ends_the_work_and_one_saves(tmp_path: Path) -> None:
    host = Host(tmp_path, idle=60)
    machine = GUARD.Machine(tmp_path)
    for name in ("save", "rest"):
        program = tmp_path / "usr/local/lib/swarmctl" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/{name}d\n")
        program.chmod(0o755)
    machine.save(5)
    assert (tmp_path / "saved").exists()
    machine.run = lambda argv, seconds: "" if argv[0] == "docker" else GUARD.Machine.run(machine, argv, seconds)
    machine.stop_work()
    assert (tmp_path / "restd").exists()
    assert host.done == []


def test_without_a_timer_it_looks_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path, idle=60)

    class Enough(Exception):  # noqa: N818 - reads as the fact it states
        """The test has seen it."""

    def pass_(seconds: int) -> None:
        assert seconds == GUARD.EVERY
        host.hands.go(seconds)
        if len(host.market.asked) == 3:
            raise Enough

    monkeypatch.setattr(GUARD.time, "sleep", pass_)
    monkeypatch.setattr(GUARD.round_, "__defaults__", (host.market,))
    with pytest.raises(Enough):
        GUARD.watch(host.machine, host.hands)
    assert host.market.asked == ["destroy"] * 3


@pytest.mark.parametrize(("mighty", "code"), [(True, 3), (False, 0), (None, 4)])
def test_what_the_key_may_do_is_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mighty: bool | None, code: int
) -> None:
    host = Host(tmp_path)
    monkeypatch.setattr(GUARD.Market, "too_mighty", lambda _self: mighty)
    assert GUARD.main(["check"], host.machine, host.hands) == code


def test_words_that_it_does_not_know_are_told_from_settings_that_are_wrong(tmp_path: Path) -> None:
    host = Host(tmp_path)
    for words in (["arm"], ["arm", "soon"]):
        assert GUARD.main(words, host.machine, host.hands) == 2
    assert GUARD.main(["show"], host.machine, host.hands) == 0
    (tmp_path / GUARD.CONFIG).unlink()
    (tmp_path / GUARD.GOOD).unlink()
    assert GUARD.main(["show"], host.machine, host.hands) == 1


def test_what_is_stopped_ends_its_work_first_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path, at_end="stop", idle=60)
    monkeypatch.setattr(host.market, "end", lambda how: host.done.append(how) or "0 refused")
    host.until("end")
    for _ in range(2):
        host.hands.go(60)
        host.round()
    assert host.done == ["stopped", "stop", "stop", "stop"]
