"""`swarmctl convert` as it is typed: mistakes end with what to type next, and a plan does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from effects.converting.test_looking import make
from fakes.examples import FETCHING, examples
from fakes.modelhub import ModelHub

OURS = str(Path(sys.executable).parent / "swarmctl")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Tools of this machine by name, so that no container is needed to plan with."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("convert_hf_to_gguf", "llama-quantize"):
        (tools / name).write_text(f"#!{sys.executable}\nraise SystemExit('{name}: not in this test')\n")
        (tools / name).chmod(0o755)
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA", "CACHE")}
    there = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock", "PATH": f"{tools}:{os.environ['PATH']}"}
    return {**os.environ, **homes, **there, "NO_COLOR": "1"}


def _convert(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OURS, "convert", *words], env=environment, capture_output=True, text=True, check=False)


def test_a_plan_says_steps_bytes_time_and_disk_and_makes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    source = make(tmp_path / "coder")
    done = _convert(environment, str(source), "--quant", "q8_0,Q4_K_M", "--plan")
    assert done.returncode == 0, done.stderr
    for part in ("convert to BF16", "quantise to Q8_0", "quantise to Q4_K_M", "prove", "of disk at once"):
        assert part in done.stdout
    said = json.loads(_convert(environment, str(source), "--plan", "--json").stdout)
    assert said["schema"] == "swarmctl/conversion-plan/v1"
    assert [step["step"] for step in said["steps"]] == ["convert", "quantise", "certify", "register"]
    assert not (tmp_path / "data" / "swarmctl" / "models" / "incoming").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 3, "names no repository"),
        (["SOURCE", "--quant", "Q9"], 3, "is no quantisation"),
        (["SOURCE", "--quant", "IQ1_S"], 3, "--imatrix"),
        (["SOURCE", "--role", "backend"], 3, "leave one out"),
        (["SOURCE", "--disk-budget", "1 MiB"], 4, "--disk-budget"),
        (["SOURCE", "--memory", "100 MiB"], 4, "of memory"),
        (["SOURCE", "--memory", "much"], 2, "is no size"),
        (["SOURCE", "--on", "moon"], 2, "on this machine"),
        (["PICKLE"], 3, "pickle"),
        (["ollama:nobody-has-this"], 3, "OLLAMA_MODELS"),
    ],
)
def test_a_mistake_ends_with_what_to_type_next(
    environment: dict[str, str], tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    source, pickle = make(tmp_path / "coder"), make(tmp_path / "pickle")
    (pickle / "model.safetensors").rename(pickle / "pytorch_model.bin")
    done = _convert(environment, *({"SOURCE": str(source), "PICKLE": str(pickle)}.get(w, w) for w in words))
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_tool_that_fails_is_said_in_its_own_words(environment: dict[str, str], tmp_path: Path) -> None:
    done = _convert(environment, str(make(tmp_path / "coder")))
    assert done.returncode == 7
    assert "coder: convert to BF16 failed" in done.stderr
    assert "not in this test" in done.stderr
    assert list((tmp_path / "data" / "swarmctl" / "models" / "incoming" / "convert").iterdir()) == []


def test_without_a_source_it_converts_what_the_swarm_file_needs(environment: dict[str, str], tmp_path: Path) -> None:
    make(tmp_path / "coder")
    (tmp_path / "swarm.yml").write_text(
        "name: two\nmodels:\n  a: {path: coder, quant: Q8_0}\n  b: {path: coder, quant: Q4_K_M}\n"
        "roles:\n  orchestrator: {model: a}\n  backend: {model: b}\n"
    )
    file = str(tmp_path / "swarm.yml")
    said = json.loads(_convert(environment, "-f", file, "--plan", "--json").stdout)
    assert [(s["step"], s["label"]) for s in said["steps"] if s["step"] == "quantise"] == [
        ("quantise", "Q8_0"), ("quantise", "Q4_K_M")
    ]  # fmt: skip
    assert sum(step["step"] == "convert" for step in said["steps"]) == 1
    one = json.loads(_convert(environment, "-f", file, "--role", "backend", "--plan", "--json").stdout)
    assert [s["label"] for s in one["steps"] if s["step"] == "quantise"] == ["Q4_K_M"]
    assert _convert(environment, "-f", file, "--role", "nobody").returncode == 3


def test_every_example_of_the_help_works(environment: dict[str, str], tmp_path: Path) -> None:
    made = make(tmp_path / "coder")
    with ModelHub() as hub:
        files = {path.name: path.read_bytes() for path in made.iterdir()}
        hub.repositories["Qwen/Qwen2.5-Coder-3B-Instruct"] = files
        for name in FETCHING:
            words = [OURS, *examples()[name]]
            there = {**environment, "HF_ENDPOINT": hub.url}
            done = subprocess.run(words, env=there, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert "quantise to Q8_0" in done.stdout
            assert not any("model.safetensors" in path and path.startswith("GET") for path in hub.seen), (
                "a plan fetches no weights"
            )
