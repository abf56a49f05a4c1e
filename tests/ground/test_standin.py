"""The stand-in nvidia-smi says what a real one says, so that our reading of it is a reading of the real one."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.standincards import FOLDER, TOOL, cards, specification
from swarmctl.core.machine import Gpu
from swarmctl.effects.machine import gpus

Smi = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cards of the same kind."""
    for card in cards("rtx-4090", 2, "test"):
        (tmp_path / str(card.number)).write_text(card.text())
    return tmp_path


@pytest.fixture
def smi(folder: Path) -> Smi:
    """Runs the tool on that folder: its exit status and what it prints."""
    script = TOOL.read_text().replace(f"cards={FOLDER}\n", f"cards={folder}\n")
    assert str(folder) in script

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run(["sh", "-s", "--", *words], input=script, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run


def test_what_swarmctl_asks_is_answered_as_it_reads_it(smi: Smi) -> None:
    code, said = smi("--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits")
    assert code == 0
    assert gpus(said) == (Gpu("NVIDIA GeForce RTX 4090", 24564, "8.9"),) * 2


def test_titles_and_units_come_and_go_as_asked(smi: Smi) -> None:
    asked = "--query-gpu=index,memory.used,memory.total"
    assert smi(asked, "--format=csv") == (
        0, "index, memory.used [MiB], memory.total [MiB]\n0, 0 MiB, 24564 MiB\n1, 0 MiB, 24564 MiB\n",
    )  # fmt: skip
    assert smi(asked, "--format=csv,nounits")[1].splitlines()[1] == "0, 0, 24564"
    assert smi(asked, "--format=csv,noheader")[1].splitlines() == ["0, 0 MiB, 24564 MiB", "1, 0 MiB, 24564 MiB"]
    assert smi(asked, "--format=csv,noheader,nounits", "-i", "1")[1] == "1, 0, 24564\n"


def test_an_unknown_field_is_refused_with_the_tools_own_words(smi: Smi) -> None:
    assert smi("--query-gpu=name,colour", "--format=csv") == (2, 'Field "colour" is not a valid field to query.\n')


def test_processes_have_titles_and_none_where_nothing_runs(smi: Smi) -> None:
    asked = "--query-compute-apps=pid,process_name,used_memory"
    assert smi(asked, "--format=csv") == (0, "pid, process_name, used_gpu_memory [MiB]\n")
    assert smi(asked, "--format=csv,noheader,nounits") == (0, "")


def test_cards_are_listed_with_uuids_of_their_own(smi: Smi) -> None:
    one, two = smi("-L")[1].splitlines()
    assert one.startswith("GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-")
    assert one[6:] != two[6:]


def test_a_card_can_be_gone_and_can_be_lost(smi: Smi, folder: Path) -> None:
    first, second = cards("rtx-4090", 2, "test")
    (folder / "0").write_text(first.text("gone"))
    assert smi("--query-gpu=index,uuid", "--format=csv,noheader") == (0, f"0, {second.uuid}\n")
    (folder / "1").write_text(second.text("gone"))
    assert smi("-L") == (6, "No devices were found\n")
    (folder / "0").write_text(first.text("lost"))
    assert smi("-L") == (15, "Unable to determine the device handle for GPU0000:41:00.0: Unknown Error\n")


def test_each_device_of_the_specification_has_its_own_card_and_all_has_every() -> None:
    found = cards("a100-80", 4, "test")
    written = json.loads(specification(found))
    devices = {device["name"]: device["containerEdits"] for device in written["devices"]}
    assert set(devices) == {"0", "1", "2", "3", "all", *(card.uuid for card in found)}
    for n, card in enumerate(found):
        assert devices[str(n)] == devices[card.uuid]
        assert [mount["containerPath"] for mount in devices[str(n)]["mounts"]] == [f"{FOLDER}/{n}"]
    assert len(devices["all"]["mounts"]) == 4
    assert json.loads(specification([]))["devices"] == []
