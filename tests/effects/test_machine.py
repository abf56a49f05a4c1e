"""What nvidia-smi and /proc say of this machine, in all the ways that they say it."""

import os
from pathlib import Path

import pytest

from swarmctl.core.machine import Gpu
from swarmctl.effects.machine import _avx2, gpus, look

FAKE = """#!/bin/sh
case "$1" in *compute_cap*) {new} ;; *) echo "NVIDIA GeForce RTX 3090, 24576" ;; esac
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NVIDIA GeForce RTX 4090, 24564, 8.9\n", (Gpu("NVIDIA GeForce RTX 4090", 24564, "8.9"),)),
        ("Tesla V100-PCIE-32GB, 32480\n", (Gpu("Tesla V100-PCIE-32GB", 32480),)),
        ("NVIDIA L4, 23034, [N/A]\n", (Gpu("NVIDIA L4", 23034),)),
        ("NVIDIA L4, 23034, 8.9, GPU-1-2\n", (Gpu("NVIDIA L4", 23034, "8.9", "GPU-1-2"),)),
        ("Tesla K80, 11441, GPU-1-2\n", (Gpu("Tesla K80", 11441, "", "GPU-1-2"),)),
        ("NVIDIA L4, [N/A], 8.9\nNo devices were found\n\n,,\n", ()),
    ],
)
def test_rows_of_nvidia_smi(text: str, found: tuple[Gpu, ...]) -> None:
    assert gpus(text) == found


@pytest.mark.parametrize(
    ("new", "capability"),
    [('echo "NVIDIA GeForce RTX 3090, 24576, 8.6"', "8.6"), ('echo "Field not valid" >&2; exit 2', "")],
)
def test_a_driver_that_does_not_know_capabilities_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: str, capability: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(FAKE.format(new=new), encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert look(tmp_path).gpus == (Gpu("NVIDIA GeForce RTX 3090", 24576, capability),)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("echo No devices were found; exit 6", ""),
        (
            "echo Unable to determine the device handle for GPU0000:41:00.0: Unknown Error; exit 15",
            "Unable to determine",
        ),
        ("echo NVIDIA-SMI has failed because it could not communicate with the driver >&2; exit 9", "NVIDIA-SMI has"),
        ("exit 3", "exit 3"),
    ],
)
def test_no_card_is_no_problem_and_a_tool_that_fails_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, problem: str
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{said}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    here = look(tmp_path)
    assert here.gpus == ()
    assert here.gpu_problem.startswith(problem)
    assert bool(here.gpu_problem) is bool(problem)


def test_instructions_of_a_processor(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("model name\t: x\nflags\t\t: fpu avx avx2 fma\n", encoding="ascii")
    assert _avx2(file)
    file.write_text("flags\t\t: fpu avx fma\nflags\t\t: fpu avx2\n", encoding="ascii")
    assert not _avx2(file)
    file.write_text("Features\t: asimd\n", encoding="ascii")
    assert _avx2(file)
    assert _avx2(tmp_path / "none")
