"""The guard where there is no service manager: armed, started once, kept, and started again with its machine."""

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, ROOT
from swarmctl.core.labels import HASH, HOME, SERVICE, SWARM, VARIABLE, carried, home_of, inherited
from swarmctl.core.leasing.guardfile import GuardFile
from swarmctl.core.leasing.limits import Terms
from swarmctl.core.leasing.promise import Armed
from swarmctl.core.stack import config_hash
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
    terms: list[dict[str, Any]] = field(default_factory=list)

    def run(self, argv: Sequence[str], **terms: Any) -> Completed:
        self.ran.append(argv)
        self.terms.append(terms)
        said = SHOWN % self.armed if argv[1:] == ["show"] else ""
        return Completed(said, " denied\n", self.codes.get(argv[1], 0))

    def put(self, files: Mapping[str, bytes], *, mode: int = 0o600, folders: int = 0o755, root: bool = False) -> None:
        assert root, "what a user may write ends nobody's machine"
        assert folders == (0o700 if mode == 0o600 else 0o755)
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
    assert all(terms["root"] and terms["seconds"] == 60.0 for terms in machine.terms)
    assert [terms.get("check", False) for terms in machine.terms] == [False, True, True, True]
    assert machine.modes[PROGRAM] == 0o755
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


def test_how_the_supervisor_keeps_it() -> None:
    kept = Kept("/base", "/x/bin/python")
    config, home = kept.config(), home_of("/base/guard")
    assert (config.swarm, config.socket, config.logs, config.home) == (
        "guard", "/base/guard/keeper.sock", "/base/guard/logs", home,
    )  # fmt: skip
    guarding, uses = config.programs
    assert (guarding.argv, guarding.how) == ((PROGRAM, "watch"), "exec")
    assert uses.argv == ("/x/bin/python", "-P", "-m", "swarmctl.effects.hand.uses", "/base")
    assert (uses.name, uses.how) == ("uses", "exec")
    for one, service in ((guarding, "guard"), (uses, "uses")):
        made = config_hash({"argv": list(one.argv)})
        assert dict(one.labels) == {SWARM: "guard", SERVICE: service, HOME: home, HASH: made}
        assert one.hash == made
    assert Kept("/base").python == ""


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
    hand = b"exec /var/lib/swarmctl/code/x/bin/python -P -m swarmctl.effects.hand /var/lib/swarmctl <<'E'"
    mark = f"{VARIABLE}={inherited(Kept('/var/lib/swarmctl').program())}"
    start = machine.files[ONSTART].decode().splitlines()
    assert shlex.split(start[1]) == ["set", "--", mark]
    assert start[-3:] == [hand.decode(), '{"do": "revive"}', "E"]
    assert f"setsid {PROGRAM} watch" in machine.files[ONSTART].decode()
    rest = machine.files["/usr/local/lib/swarmctl/rest"]
    assert rest.splitlines() == [b"#!/bin/sh", hand, b'{"do": "rest"}', b"E"]
    assert set(machine.modes.values()) == {0o755}
    assert len(HOOK) < 4096, "the market takes no more"


def test_where_results_go_is_written_only_where_it_was_named() -> None:
    machine: Any = Machine()
    keep_safe(machine, {}, "/var/lib/swarmctl")
    assert (machine.files, machine.ran) == ({}, []), "who has no say in it takes nothing away"
    keep_safe(machine, {"saving_forget": True}, "/var/lib/swarmctl")
    assert machine.files == {}
    (removed,) = machine.ran
    names = [f"/etc/swarmctl/save.{end}" for end in ("json", "key", "token", "known")]
    assert removed == ["sh", "-c", 'rm -f -- "$@"', "sh", "/usr/local/lib/swarmctl/save", *names]
    assert machine.terms == [{"seconds": 120.0, "root": True, "check": True}]
    machine.ran.clear()
    machine.terms.clear()
    said = {"saving_remote": "git@h:r.git", "saving_key": "K\n", "saving_token": "", "saving_user": "u",
            "saving_known_hosts": ""}  # fmt: skip
    keep_safe(machine, said, "/var/lib/swarmctl")
    folder = "/etc/swarmctl"
    files = {name.rpartition("/")[2]: text for name, text in machine.files.items() if name.startswith(folder)}
    assert json.loads(files.pop("save.json")) == {
        "remote": "git@h:r.git", "key_file": f"{folder}/save.key", "token_file": "", "user": "u",
        "known_hosts": f"{folder}/save.known", "marks": ["/var/lib/swarmctl/swarms/*/data/*"],
    }  # fmt: skip
    assert files == {"save.key": b"K\n", "save.token": b"\n", "save.known": b""}
    program = "/usr/local/lib/swarmctl/save"
    assert machine.files[program] == (ROOT / "playbooks/roles/saving/files/save").read_bytes()
    assert (machine.modes[program], machine.modes[f"{folder}/save.key"]) == (0o755, 0o600)
    assert (machine.ran, machine.terms) == ([[program, "check"]], [{"seconds": 120.0, "root": True}])
    machine.codes = {"check": 1}
    with pytest.raises(DeployError, match=r"cannot be pushed to git@h:r\.git") as refused:
        keep_safe(machine, said, "/var/lib/swarmctl")
    assert refused.value.detail == "denied"


def test_results_may_be_pushed_with_a_token_alone_to_a_host_that_is_known() -> None:
    machine: Any = Machine()
    said = {"saving_remote": "https://h/r", "saving_key": "", "saving_token": "T", "saving_user": "",
            "saving_known_hosts": "h ssh-ed25519 A"}  # fmt: skip
    keep_safe(machine, said, "/base")
    told = json.loads(machine.files["/etc/swarmctl/save.json"])
    assert (told["key_file"], told["token_file"]) == ("/dev/null", "/etc/swarmctl/save.token")
    assert machine.files["/etc/swarmctl/save.token"] == b"T\n"
    assert machine.files["/etc/swarmctl/save.known"] == b"h ssh-ed25519 A\n"
