"""What the guard does to its machine: files that are whole, programs with an end, and clocks that are the kernel's."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, Host


def test_a_file_is_whole_and_for_root_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = GUARD.Machine(tmp_path)
    synced = []
    real = os.fsync
    monkeypatch.setattr(GUARD.os, "fsync", lambda fd: synced.append((tmp_path / "a/b/.c.part").read_text()) or real(fd))
    machine.write("a/b/c", "one")
    machine.write("a/b/c", "two")
    assert machine.read("a/b/c") == "two"
    assert synced == ["one", "two"], "on the disk before it has its name"
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c"]
    assert (tmp_path / "a/b/c").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a/b/c").write_bytes(b"\xff\xfe")
    assert machine.read("a/b/c") is None
    assert machine.read("a/b/d") is None
    assert GUARD.Machine().root == Path("/")


def test_the_clocks_are_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = GUARD.Clock()
    assert abs(clock.wall() - time.time()) < 5
    assert abs(clock.boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5
    assert type(clock.wall()) is type(clock.boot()) is int
    assert clock.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_key_is_read_without_what_an_editor_left(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(" abc\n")
    machine = GUARD.Machine(tmp_path)
    assert machine.key({"key_file": "/k"}) == "abc"
    with pytest.raises(GUARD.GuardError, match="cannot be read: No such file"):
        machine.key({"key_file": "/none"})


class Ran:
    """Remembers what was run, and says what it is told to."""

    def __init__(self, said: str = "") -> None:
        self.said, self.calls = said, list[tuple[list[str], int]]()

    def __call__(self, argv: list[str], seconds: int) -> str:
        self.calls.append((argv, seconds))
        return self.said


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


def test_containers_of_swarms_are_ended_and_no_others(tmp_path: Path) -> None:
    machine = GUARD.Machine(tmp_path)
    machine.run = ran = Ran("a1\nb2\n")
    machine.stop_work()
    assert ran.calls == [
        (["docker", "ps", "-q", "--filter", "label=swarmctl.swarm"], 20),
        (["docker", "stop", "-t", "10", "a1", "b2"], 40),
    ]
    machine.run = none = Ran()
    machine.stop_work()
    assert len(none.calls) == 1


def test_programs_of_the_machines_are_run_where_they_can_be(tmp_path: Path) -> None:
    machine = GUARD.Machine(tmp_path)
    machine.run = ran = Ran()
    machine.save(7)
    assert ran.calls == []
    save = script(tmp_path / "usr/local/lib/swarmctl/save", "true")
    rest = script(tmp_path / "usr/local/lib/swarmctl/rest", "true")
    machine.save(7)
    machine.stop_work()
    assert ran.calls[:2] == [([str(save)], 7), ([str(rest)], 30)]
    assert ran.calls[2][0][0] == "docker"


def test_a_program_is_heard_and_has_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = GUARD.Machine(tmp_path)
    assert machine.run([str(script(tmp_path / "good", "echo yes"))], 10) == "yes\n"
    assert capsys.readouterr().out == ""
    bad = script(tmp_path / "bad", f"echo half; echo {'x' * 400} >&2; exit 3")
    assert machine.run([str(bad)], 10) == "half\n"
    assert capsys.readouterr().out == f"{bad}: {'x' * 300}\n"
    slow = script(tmp_path / "slow", "exec sleep 30")
    assert machine.run([str(slow)], 0.2) == ""
    assert capsys.readouterr().out == f"{slow}: TimeoutExpired\n"
    assert machine.run([str(tmp_path / "none")], 1) == ""
    assert "none: FileNotFoundError" in capsys.readouterr().out


ROUTES = "Iface\tDestination\neth0\t00000000\nwg0\t00000000\n\nodd\ndocker0\t000011AC\n"


def test_bytes_of_every_way_outside_are_counted(tmp_path: Path) -> None:
    texts = {"proc/net/route": ROUTES}
    for way, pair in {"eth0": ("70\n", "8\n"), "wg0": ("5", "x"), "docker0": ("900", "900")}.items():
        texts |= dict(zip((f"sys/class/net/{way}/statistics/{k}_bytes" for k in ("rx", "tx")), pair, strict=True))
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert GUARD.Machine(tmp_path).counters() == [75, 8]
    (tmp_path / "sys/class/net/wg0/statistics/rx_bytes").unlink()
    assert GUARD.Machine(tmp_path).counters() == [70, 8]


def test_marks_are_compared_and_say_nothing_else(tmp_path: Path) -> None:
    machine: Any = GUARD.Machine(tmp_path)
    marks = ["/run/a", "run/*/b"]
    assert machine.mark(marks) == ""
    assert machine.unfetched(marks) is False
    (tmp_path / "run/a/b").mkdir(parents=True)
    (tmp_path / "run/c").mkdir()
    (tmp_path / "run/c/b").write_text("no folder")
    assert machine.mark(marks) == "", "folders without a mark"
    assert {place.relative_to(tmp_path).as_posix() for place in machine.folders(["/x", "//run/a", "x/*"])} == {"run/a"}
    (tmp_path / "x/y").mkdir(parents=True)
    assert len(machine.folders(["x/*"])) == 1
    for n, place in enumerate(("run/a", "run/a/b"), 1):
        (tmp_path / place / "activity").touch()
        os.utime(tmp_path / place / "activity", ns=(n, n))
    first = machine.mark(marks)
    assert len(first) == 16
    assert machine.mark(marks[::-1]) == first, "in whatever order"
    assert machine.mark(marks[:1]) != first
    os.utime(tmp_path / "run/a/activity", ns=(9, 9))
    assert machine.mark(marks) != first
    for n in range(20):
        (tmp_path / f"many/{n}").mkdir(parents=True)
    (tmp_path / "many/7/activity").touch()
    assert machine.mark(["many/*"]) == machine.mark(["many/7"]) != "", "one mark among folders without"
    (tmp_path / "run/a/b/results-unfetched").symlink_to("nowhere")
    assert machine.unfetched(marks) is True


def test_what_was_armed_last_holds_where_the_file_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(tmp_path)
    good = GUARD.load(host.machine)
    assert capsys.readouterr().out == "armed\n"
    (tmp_path / GUARD.CONFIG).unlink()
    assert GUARD.load(host.machine) == good
    assert "those that were armed last hold" in capsys.readouterr().out
    (tmp_path / GUARD.GOOD).unlink()
    with pytest.raises(GUARD.GuardError, match="no JSON"):
        GUARD.load(host.machine)
