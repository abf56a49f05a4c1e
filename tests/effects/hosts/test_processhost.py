"""A host without Docker is made ready in its order: packages, the guard, what swarmctl imports, swarmctl itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from swarmctl.core.hosts import Host
from swarmctl.effects.hosts import processhost
from swarmctl.effects.hosts.processhost import Seat, ready, seat_of
from swarmctl.effects.process import Completed
from swarmctl.errors import DeployError, HostError

WHOLE = {
    "machine": "x86_64", "user": "0", "home": "/root", "may": "yes", "apt": "yes",
    "python": "3.13 /usr/bin/python3", "pip": "yes", "threads": "yes", "git": "git version 2.47.3", "end": "yes",
}  # fmt: skip


@dataclass
class Machine:
    """The part of a Line that is needed. facts: what a look prints. index: pip finds packages. files: there are."""

    facts: dict[str, str] = field(default_factory=lambda: dict(WHOLE))
    brings: Mapping[str, str] = field(default_factory=dict)
    index: bool = True
    files: set[str] = field(default_factory=set)
    did: list[str] = field(default_factory=list)
    host: Host = field(default_factory=lambda: Host("box", "localhost"))

    def run(self, argv: Sequence[str], *, stdin: bytes | None = None, check: bool = False, **_: Any) -> Completed:
        answer = self._answer(list(argv), stdin)
        assert not check or answer.code == 0
        return answer

    def _answer(self, argv: list[str], stdin: bytes | None) -> Completed:
        if argv[:2] == ["sh", "-s"]:
            return Completed("".join(f"{name} {value}\n" for name, value in self.facts.items()), "", 0)
        if argv[:2] == ["test", "-e"]:
            return Completed("", "", 0 if argv[2] in self.files else 1)
        if argv[0] == "touch":
            self.files.add(argv[1])
        elif argv[0] == "sh" and "apt-get" in argv[2]:
            self.did.append(f"apt {' '.join(argv[4:])}")
            self.facts |= self.brings
            return Completed("E: no such package", "", 0 if self.brings else 100)
        elif argv[0] == "sh":
            self.did.append("environment")
            return Completed("/var/lib/swarmctl/code/x/lib/python3.13/site-packages\n", "", 0)
        elif argv[1:3] == ["-", "pip"]:
            self.did.append("pip")
            return Completed("", "ERROR: no index", 0 if self.index else 1)
        elif argv[1:3] == ["-", "wheels"]:
            self.did.append(f"unpack {len(argv) - 4}")
        return Completed("", "", 0)

    def put(self, files: Mapping[str, Any], **_: Any) -> None:
        self.did.append(f"put {len(files)}")


def _ready(machine: Machine, tmp_path: Path) -> Seat:
    line: Any = machine
    return ready(line, lambda _: None, cache=tmp_path, guard=lambda: machine.did.append("guard"))


def test_packages_come_before_the_guard_and_the_guard_before_all_that_is_large(tmp_path: Path) -> None:
    machine = Machine({**WHOLE, "git": "", "threads": ""}, brings={"git": "git version 2.47.3", "threads": "yes"})
    seat = _ready(machine, tmp_path)
    assert machine.did == [
        "apt python3-venv git libgomp1 ca-certificates", "guard", "put 1", "pip", "environment", "put 1", "unpack 1",
    ]  # fmt: skip
    assert seat.base == "/var/lib/swarmctl"
    assert seat.python.endswith("/bin/python")


def test_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    machine = Machine()
    seat = _ready(machine, tmp_path)
    machine.did.clear()
    assert _ready(machine, tmp_path) == seat
    assert machine.did == ["guard"]
    line: Any = machine
    assert seat_of(line) == seat


def test_other_code_than_ours_is_no_seat_and_what_it_imports_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    line: Any = machine
    seat = _ready(machine, tmp_path)
    monkeypatch.setattr(processhost, "own_wheel", lambda: ("swarmctl-9-py3-none-any.whl", b"other"))
    assert seat_of(line) is None
    machine.did.clear()
    assert _ready(machine, tmp_path) != seat
    assert machine.did == ["guard", "environment", "put 1", "unpack 1"]


def test_without_an_index_of_use_all_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def house(_cache: Path, python: str, machine: str, _say: object) -> list[Path]:
        asked.append((python, machine))
        for name in ("a.whl", "b.whl"):
            (tmp_path / name).write_bytes(b"x")
        return [tmp_path / "a.whl", tmp_path / "b.whl"]

    monkeypatch.setattr(processhost, "wheelhouse", house)
    machine = Machine(index=False)
    _ready(machine, tmp_path)
    assert machine.did == ["guard", "put 1", "pip", "put 2", "unpack 2", "environment", "put 1", "unpack 1"]
    assert asked == [("3.13", "x86_64")]


def test_a_host_that_has_no_pip_and_may_not_get_it_is_not_asked_for_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.whl").write_bytes(b"x")
    monkeypatch.setattr(processhost, "wheelhouse", lambda *_: [tmp_path / "a.whl"])
    machine = Machine({**WHOLE, "pip": "", "user": "1000", "home": "/home/me", "may": ""})
    seat = _ready(machine, tmp_path)
    assert "pip" not in machine.did
    assert seat.base == "/home/me/.local/state/swarmctl-host"


@pytest.mark.parametrize(("change", "why"), [({"apt": ""}, "it has no apt-get"), ({"may": ""}, "may not install")])
def test_what_cannot_be_installed_is_named_and_nothing_is_begun(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    machine = Machine({**WHOLE, "git": "", **change})
    with pytest.raises(HostError, match=why) as caught:
        _ready(machine, tmp_path)
    assert "git 2.38" in caught.value.message
    assert machine.did == []


def test_a_distribution_with_an_old_python_is_asked_for_the_newer_ones_beside_it(tmp_path: Path) -> None:
    machine = Machine({**WHOLE, "python": "3.10 /usr/bin/python3"})
    with pytest.raises(DeployError, match=r"Python 3\.11 to 3\.14") as caught:
        _ready(machine, tmp_path)
    assert [did.split()[1] for did in machine.did] == ["python3", "python3.12", "python3.11"]
    assert "E: no such package" in caught.value.detail


@pytest.mark.parametrize("facts", [{}, {"machine": "x86_64"}, {**WHOLE, "machine": "mips"}])
def test_a_machine_that_says_nothing_of_use_is_an_error(tmp_path: Path, facts: dict[str, str]) -> None:
    with pytest.raises(HostError, match="box: "):
        _ready(Machine(dict(facts)), tmp_path)
