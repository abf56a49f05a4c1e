"""Which llama.cpp server processes can have here, and whether it uses the machine's cards."""

from pathlib import Path

import pytest

from swarmctl.core.machine import Gpu, Machine
from swarmctl.effects import ownserver

ROW = "  CUDA{}: NVIDIA A100-SXM4-80GB (81152 MiB, 80698 MiB free)"


def machine(cards: int, problem: str = "") -> Machine:
    gpus = tuple(Gpu("NVIDIA A100-SXM4-80GB", 81920, "8.0", f"GPU-{n}") for n in range(cards))
    return Machine("here", "Linux x86_64", 8, 32000, 30000, 90000, gpus, gpu_problem=problem)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A llama-server on the path, as a file that prints its lines; nothing else of that name is found."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(ownserver, "_APART", str(tmp_path / "apart" / "llama-server"))
    return tmp_path / "llama-server"


def says(there: Path, *lines: str, code: int = 0) -> None:
    there.parent.mkdir(exist_ok=True)
    text = "".join(f"echo '{line}'\n" for line in ("Available devices:", *lines))
    there.write_text(f'#!/bin/sh\n[ "$*" = --list-devices ] || exit 64\n{text}exit {code}\n')
    there.chmod(0o755)


def test_without_cards_it_is_not_asked(there: Path) -> None:
    says(there, ROW.format(0))
    found = ownserver.look(machine(0, "the driver is gone"))
    assert (found.kind, found.cards, found.idle) == ("wheel", None, "the driver is gone")


def test_one_that_sees_them_all_is_taken(there: Path) -> None:
    says(there, ROW.format(0), ROW.format(1))
    found = ownserver.look(machine(2))
    assert (found.kind, found.idle) == ("binary", "")
    assert found.cards is not None
    assert [card.profile for card in found.cards.cards] == ["a100-80-sxm", "a100-80-sxm"]


@pytest.mark.parametrize(
    ("lines", "code", "why"),
    [
        ((), 0, "it lists no device"),
        ((ROW.format(0),), 0, "it lists CUDA0 (NVIDIA A100-SXM4-80GB)"),
        (("no kernel image is available",), 1, "exit 1, no kernel image is available"),
    ],
)
def test_one_that_does_not_leaves_them_idle_and_it_is_said_why(
    there: Path, lines: tuple[str, ...], code: int, why: str
) -> None:
    says(there, *lines, code=code)
    found = ownserver.look(machine(2))
    assert (found.kind, found.cards) == ("wheel", None)
    assert found.idle == f"{there} does not see all of the machine's 2: {why}"


def test_where_there_is_none_the_wheel_serves_and_they_stay_idle(there: Path) -> None:
    found = ownserver.look(machine(1))
    assert (ownserver.path(), found.kind, found.cards) == ("", "wheel", None)
    assert found.idle == "no llama-server is on the path, and the engine in our wheel uses no card"


def test_the_one_of_llama_cpps_own_image_is_found_off_the_path(there: Path) -> None:
    apart = there.parent / "apart" / "llama-server"
    says(apart, ROW.format(0))
    assert ownserver.path() == str(apart)
    assert ownserver.look(machine(1)).kind == "binary"
