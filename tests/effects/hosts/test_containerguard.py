"""The guard where there is no service manager: armed, started once, kept, and started again with its machine."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD
from swarmctl.core.labels import VARIABLE, carried
from swarmctl.core.leasing.guardfile import GuardFile
from swarmctl.core.leasing.limits import Terms
from swarmctl.core.leasing.promise import Armed
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.hosts.containerguard import HOOK, ONSTART, Kept, attend, guard
from swarmctl.effects.hosts.containersave import keep_safe
from swarmctl.effects.hosts.guarding import FILE, PROGRAM
from swarmctl.effects.process import Completed
from swarmctl.errors import DeployError, HostError

ARMED = Armed(GuardFile("http://market", "7", Terms(2_000_000_000, 1_900_000_000, price=10, budget=100)), "s3cret")
SHOWN = '{"now": 1, "ends": 2, "why": "ttl", "spent": 0, "armed": "%s", "ending": ""}'


@dataclass
class Machine:
    """The part of a Line that is needed. codes: exit status by a command's second word. armed: what the guard shows."""

    codes: Mapping[str, int] = field(default_factory=dict)
    armed: str = ARMED.settings.armed
    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    ran: list[Sequence[str]] = field(default_factory=list)

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        self.ran.append(argv)
        said = SHOWN % self.armed if argv[1:] == ["show"] else ""
        return Completed(said, "denied", self.codes.get(argv[1], 0))

    def put(self, files: Mapping[str, bytes], *, mode: int = 0o600, **_: Any) -> None:
        self.files |= files
        self.modes |= dict.fromkeys(files, mode)


def _guarded(machine: Machine) -> None:
    line: Any = machine
    guard(line, ARMED, SystemClock(), "/var/lib/swarmctl")


def test_it_is_the_same_guard_armed_before_it_is_started(tmp_path: Path) -> None:
    machine = Machine()
    _guarded(machine)
    assert machine.files[PROGRAM] == Path(GUARD.__file__).read_bytes()
    assert [words[1] for words in machine.ran] == ["check", "arm", "-c", "show"]
    (tmp_path / "etc" / "swarmctl").mkdir(parents=True)
    (tmp_path / FILE[1:]).write_bytes(machine.files[FILE])
    assert GUARD.load(GUARD.Machine(tmp_path))["instance"] == "7", "it reads what was written for it"


def test_its_key_is_in_a_file_for_root_alone_and_in_no_command() -> None:
    machine = Machine()
    _guarded(machine)
    assert machine.modes[ARMED.settings.key_file] == 0o600
    assert not [words for words in machine.ran if ARMED.key in " ".join(words)]
    assert ARMED.key not in repr(ARMED)


def test_a_key_that_can_do_more_is_refused_before_anything_is_armed() -> None:
    machine = Machine({"check": 3})
    with pytest.raises(HostError, match="may end more than this machine"):
        _guarded(machine)
    assert [words[1] for words in machine.ran] == ["check"]


def test_a_guard_that_does_not_take_up_its_settings_is_an_error() -> None:
    with pytest.raises(HostError, match="did not take up"):
        _guarded(Machine(armed="0" * 64))


def test_what_is_started_by_hand_is_what_the_supervisor_takes_over() -> None:
    """By the labels in its environment."""
    machine, kept = Machine(), Kept("/var/lib/swarmctl", "/x/bin/python")
    _guarded(machine)
    (start,) = [words for words in machine.ran if words[0] == "sh"]
    name, _, value = start[-1].partition("=")
    tags = carried(["/usr/bin/python3", PROGRAM, "watch"], {name: value})
    assert name == VARIABLE
    assert tags is not None
    assert tags.labels == dict(kept.program().labels)
    assert not tags.helper
    assert [one.name for one in kept.config().programs] == ["guard", "uses"]


def test_a_guard_that_runs_is_not_started_again(tmp_path: Path) -> None:
    """By the very script, with a process that looks like it."""
    machine = Machine()
    _guarded(machine)
    (start,) = [words for words in machine.ran if words[0] == "sh"]
    other = tmp_path / "guard"
    other.write_text("#!/usr/bin/python3\nimport time\nopen(__file__ + '.began', 'a').write('x')\ntime.sleep(20)\n")
    other.chmod(0o755)
    script = start[2].replace(PROGRAM, str(other)).replace("/var/log/swarmctl-guard.log", str(tmp_path / "log"))
    pids = []
    try:
        for _ in range(2):
            subprocess.run(["sh", "-c", script, "sh", start[-1]], check=True, timeout=20)
            for _ in range(100):
                if (tmp_path / "guard.began").exists():
                    break
                SystemClock().sleep(0.05)
        pids = subprocess.run(
            ["pgrep", "-f", f"{other} watch"], capture_output=True, text=True, check=False
        ).stdout.split()
        assert (tmp_path / "guard.began").read_text() == "x"
        assert len(pids) == 1
    finally:
        for pid in pids:
            subprocess.run(["kill", pid], check=False)


def test_scripts_of_the_machine_s_start_are_scripts() -> None:
    machine: Any = Machine()
    attend(machine, "/var/lib/swarmctl/code/x/bin/python", "/var/lib/swarmctl")
    for text in (HOOK.encode(), *machine.files.values()):
        assert text.startswith(b"#!/bin/sh\n")
        subprocess.run(["sh", "-n"], input=text, check=True)
    assert b'{"do": "revive"}' in machine.files[ONSTART]
    assert set(machine.modes.values()) == {0o755}
    assert len(HOOK) < 4096, "the market takes no more"


def test_where_results_go_is_written_only_where_it_was_named() -> None:
    machine: Any = Machine()
    keep_safe(machine, {}, "/var/lib/swarmctl")
    assert (machine.files, machine.ran) == ({}, [])
    said = {"saving_remote": "git@h:r.git", "saving_key": "K\n", "saving_token": "", "saving_user": "u",
            "saving_known_hosts": ""}  # fmt: skip
    keep_safe(machine, said, "/var/lib/swarmctl")
    assert machine.files["/etc/swarmctl/save.key"] == b"K\n"
    assert b'"/var/lib/swarmctl/swarms/*/data/*"' in machine.files["/etc/swarmctl/save.json"]
    assert machine.modes["/etc/swarmctl/save.key"] == 0o600
    machine.codes = {"check": 1}
    with pytest.raises(DeployError, match="cannot be pushed"):
        keep_safe(machine, said, "/var/lib/swarmctl")
