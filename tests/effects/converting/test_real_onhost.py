"""A conversion on a machine that SSH reaches: sent there, converted and proved there, and back whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import tinymodels
from fakes.distant import inventory
from fakes.grounded import stands
from fakes.hosts import Host, host
from swarmctl.core.lock import Lock
from swarmctl.effects.converting.onhost import ROOT
from swarmctl.effects.converting.tools import IMAGE
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.imaging import provide

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=120)]


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    stands("engine", "forky", "host-vm")
    provide(IMAGE, lock=Lock())
    with host("vm", images=[IMAGE]) as made:
        yield made


def test_a_folder_is_converted_on_another_machine_and_its_result_comes_back(machine: Host, tmp_path: Path) -> None:
    source = tinymodels.make(tmp_path / "coder", "Qwen2ForCausalLM")
    inventory(tmp_path, machine)
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA")}
    argv = [sys.executable, "-m", "swarmctl", "convert", str(source), "--quant", "Q8_0", "--on", "gpu1"]
    environment = {**os.environ, **homes, "NO_COLOR": "1"}
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("coder")]
    assert row[1] == "Q8_0"
    assert row[5] == "yes", "proved there"
    (blob,) = (tmp_path / "data" / "swarmctl" / "models" / "blobs").iterdir()
    assert read_gguf(blob).weights.quant == "Q8_0"
    assert machine.tries(["test", "-e", ROOT]).returncode == 1, "nothing is left there"
    assert machine.docker(["ps", "-aq"]).split() == []
    again = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "convert to" not in again.stderr
    local = subprocess.run(argv[:-2], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "convert to" not in local.stderr, "the same tools made it: here it is there already"


def test_a_machine_that_does_not_answer_is_said(tmp_path: Path) -> None:
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text(
        "swarmctl: {hosts: {gone: {ansible_host: 127.0.0.1, ansible_port: 9, ansible_user: root}}}\n"
    )
    (tmp_path / "coder").mkdir()
    argv = [sys.executable, "-m", "swarmctl", "convert", str(tmp_path / "coder"), "--on", "gone"]
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA")}
    done = subprocess.run(argv, cwd=tmp_path, env={**os.environ, **homes}, capture_output=True, text=True, check=False)
    assert done.returncode in {3, 6}
    assert "Traceback" not in done.stderr
    assert "next:" in done.stderr
