"""The images that a stack runs: small, quick to start, nothing more than needed, and able to do their work."""

import json
import os
import time
from pathlib import Path

import pytest

from fakes.agentcontainers import agents, processor, resident, started
from fakes.grounded import docker, stands
from swarmctl import __version__
from swarmctl.core.lock import Lock
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.imaging import here, provide

pytestmark = [pytest.mark.ground, pytest.mark.slow]

AGENT, CONVERTER = (f"swarmctl/{name}:{__version__}" for name in ("agent", "converter"))
LABEL = ("--label", "swarmctl.test=our-images")
FREE = 1.0
"""Load average below which a machine counts as one that does nothing else."""
_TINY = Path(__file__).parents[1] / "data" / "tinyhf.py"


@pytest.fixture(scope="module", autouse=True)
def images() -> None:
    stands("engine", "bookworm", "forky")
    for reference in (AGENT, CONVERTER):
        provide(reference, lock=Lock())


def test_the_agent_image_is_small_and_says_what_it_is() -> None:
    known = here()
    agent, base = known[AGENT], known["debian:bookworm-slim"]
    assert agent.size <= 320e6
    assert agent.size - base.size <= 200e6
    assert agent.labels["org.opencontainers.image.version"] == __version__
    assert agent.labels["org.opencontainers.image.revision"] not in {"", "unknown"}


def test_the_agent_image_has_python_and_git_and_no_way_to_install_or_build() -> None:
    script = "for p in gcc cc make pip pip3 curl wget ssh nc; do command -v $p; done; git --version; id -u"
    said = docker("run", "--rm", *LABEL, "--entrypoint", "bash", AGENT, "-c", script).split()
    assert said[:2] == ["git", "version"], said
    assert said[-1] == "10001"


def test_an_agent_starts_in_two_seconds_and_takes_little_memory(tmp_path: Path) -> None:
    _start(tmp_path, 1, seconds=2)


def test_seven_agents_start_together_in_eight_seconds(tmp_path: Path) -> None:
    _start(tmp_path, 7, seconds=8)


def _start(folder: Path, count: int, *, seconds: float) -> None:
    """Seconds are of a machine that does nothing else; on a busy one the processor's own count, which says what such a
    machine would take, is held alone."""
    folder.chmod(0o755)
    free = os.getloadavg()[0] < FREE
    with agents(AGENT, folder, count) as names:
        took = started(names)
        used = processor(names)
        time.sleep(1)
        most = max(resident(name) for name in names)
    print(f"{count} agents: {took:.1f} s, {used:.1f} s of processor, {most:.0f} MB")
    assert most <= 130
    assert 0.2 * count <= used <= 2 * count
    assert used / 2 <= seconds
    assert took <= seconds or not free


def test_the_converter_makes_a_model_that_llama_cpp_runs_without_a_network(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "tinyhf.py").write_text(_TINY.read_text())
    walls = ("--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "-v", f"{tmp_path}:/models")
    script = (
        "set -e; python3 tinyhf.py hf; convert_hf_to_gguf hf --outfile f16.gguf --outtype f16;"
        "llama-quantize f16.gguf q8.gguf Q8_0;"
        "llama-bench -m q8.gguf -p 8 -n 4 -r 1 -o json 2> /dev/null > speed.json"
    )
    docker("run", "--rm", *LABEL, *walls, CONVERTER, "bash", "-c", script)
    read, written = json.loads((tmp_path / "speed.json").read_text())
    assert (read["n_prompt"], written["n_gen"]) == (8, 4)
    assert min(read["avg_ts"], written["avg_ts"]) > 0
    facts = [read_gguf(tmp_path / name).model for name in ("f16.gguf", "q8.gguf")]
    assert [fact.architecture for fact in facts] == ["llama", "llama"]
    assert (tmp_path / "q8.gguf").stat().st_size < 0.6 * (tmp_path / "f16.gguf").stat().st_size


def test_the_heavy_part_of_the_converter_is_a_layer_of_its_own() -> None:
    rows = docker("history", "--no-trunc", "--format", "{{json .}}", "--human=false", CONVERTER).splitlines()
    sizes = {json.loads(row)["CreatedBy"]: int(json.loads(row)["Size"]) for row in rows}
    torch = [size for made, size in sizes.items() if "python3-torch" in made]
    tools = [size for made, size in sizes.items() if "llama.cpp-tools" in made and size]
    assert len(torch) == len(tools) == 1
    assert torch[0] > 500e6
    assert tools[0] < 100e6
