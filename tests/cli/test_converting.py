"""`swarmctl convert` as it is typed: mistakes end with what to type next, and a plan does nothing."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from effects.converting.test_looking import make
from fakes.examples import FETCHING, examples
from fakes.modelhub import ModelHub
from fakes.specialists import Shape, direction, peft, publish, weights, without

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
        (["SOURCE", "--on", "moon"], 3, "there is no host 'moon'"),
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


def test_events_are_lines_and_the_last_says_how_it_failed(environment: dict[str, str], tmp_path: Path) -> None:
    done = _convert(environment, str(make(tmp_path / "coder")), "--json")
    assert done.returncode == 7
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line["event"] for line in lines[:-2]]
    assert events[0] == "begin"
    assert events[-1] == "end"
    assert {"done", "total", "rate", "left"} <= lines[1].keys() or "progress" not in events
    assert "not in this test" in lines[-1]["detail"]
    assert lines[-1]["schema"] == "swarmctl/error/v1"
    assert lines[-1]["exit_code"] == 7
    assert lines[-2]["schema"] == "swarmctl/conversion-results/v1"
    assert lines[-2]["failures"]
    early = _convert(environment, "nowhere", "--json")
    assert [json.loads(line)["exit_code"] for line in early.stdout.splitlines()] == [3]


SHAPE = Shape(width=64, ffn=128, words=320)


@pytest.fixture
def family(tmp_path: Path) -> Path:
    base = weights(SHAPE)
    publish(tmp_path / "base", SHAPE, base)
    edit = without(base, direction(64, 1), parts=("o_proj", "down_proj", "embed_tokens"))
    publish(tmp_path / "backend", SHAPE, edit)
    publish(tmp_path / "stranger", SHAPE, weights(SHAPE, seed=2))
    peft(tmp_path / "tuned", {"model.layers.0.mlp.down_proj": (np.ones((2, 128), np.float32) * np.float32(0.01),
                                                               np.ones((64, 2), np.float32))})  # fmt: skip
    return tmp_path


def _share(environment: dict[str, str], family: Path, *words: str) -> subprocess.CompletedProcess[str]:
    sources = [str(family / word) if (family / word).is_dir() else word for word in words]
    return _convert(environment, "--share-base", str(family / "base"), *sources)


def test_specialists_are_folded_into_one_base_and_a_second_time_nothing_is_read(
    environment: dict[str, str], family: Path
) -> None:
    done = _share(environment, family, "backend", "tuned")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["backend"][1:3] == ["shares", "1"]
    assert rows["tuned"][1:3] == ["shares", "2"]
    assert "2 adapters add" in done.stdout
    assert "a head of its own" in done.stdout
    said = _share(environment, family, "backend", "tuned", "--json")
    (found,) = [json.loads(line) for line in said.stdout.splitlines()]
    assert found["schema"] == "swarmctl/shared-base/v1"
    assert found["head"]
    for row in found["specialists"]:
        file = Path(row["file"])
        assert file.stat().st_size == row["bytes"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == row["sha256"]
    Path(found["specialists"][0]["file"]).write_bytes(b"GGUF")
    mended = _share(environment, family, "backend", "tuned", "--json")
    lines = [json.loads(line) for line in mended.stdout.splitlines()]
    assert {line["name"] for line in lines[:-1]} == {"backend"}
    assert lines[-1] == found


def test_a_specialist_that_is_no_edit_of_the_base_is_refused_and_the_others_are_kept(
    environment: dict[str, str], family: Path
) -> None:
    done = _share(environment, family, "stranger", "backend", "--max-rank", "4", "--json")
    assert done.returncode == 3
    *events, report, error = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["accepted"] for line in events if line["event"] == "specialist"] == [False, True]
    assert [row["file"] is None for row in report["specialists"]] == [True, False]
    assert "1 of 2 specialists" in error["message"]
    assert "stranger: " in error["detail"]
    assert "a model of its own" in error["detail"]
    assert "--share-base" in error["hint"]
    store = environment["XDG_DATA_HOME"]
    assert len(list(Path(store).glob("swarmctl/models/adapters/*.gguf"))) == 1
    assert not list(Path(store).glob("swarmctl/models/incoming/share*"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 3, "no specialist"),
        (["nowhere"], 3, "names no repository"),
        (["backend", "backend/../backend/"], 3, "both be called"),
        (["backend", "--register"], 2, "llama-server shares it"),
        (["backend", "--plan"], 2, "--share-base"),
        (["backend", "--max-rank", "0"], 2, "--max-rank"),
        (["backend", "--residual", "nan"], 2, "--residual"),
        (["backend", "--residual", "2"], 2, "--residual"),
        (["base.gguf"], 3, "what it was made of"),
    ],
)
def test_what_cannot_be_folded_is_said(
    environment: dict[str, str], family: Path, words: list[str], code: int, said: str
) -> None:
    (family / "base.gguf").write_bytes(b"GGUF")
    done = _share(environment, family, *(str(family / w) if w.endswith(("gguf", "/")) else w for w in words))
    assert done.returncode == code, done.stderr
    assert said in " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_an_adapter_names_its_base_or_is_told_it(environment: dict[str, str], family: Path) -> None:
    lost = _convert(environment, str(family / "tuned"), "--plan")
    assert lost.returncode == 3
    assert "--base" in lost.stderr
    done = _convert(environment, str(family / "tuned"), "--base", str(family / "base"), "--plan", "--json")
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    assert [step["step"] for step in steps] == ["merge", "convert", "quantise", "certify", "register"]
    assert {step["model"] for step in steps} == {"tuned"}
    assert _convert(environment, str(family / "base"), "--base", str(family / "base")).returncode == 3


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


def test_without_a_source_specialists_of_a_shared_base_are_folded_into_it(
    environment: dict[str, str], family: Path
) -> None:
    """The plan makes nothing and says it; then they are folded, and the base alone is converted."""
    roles = "".join(f"  {name}: {{model: {name}}}\n" for name in ("backend", "tuned"))
    (family / "swarm.yml").write_text(
        "name: two\nruntime: compose\nengine: {kind: llamacpp, context: 512}\nlimits: {output: 64}\n"
        "models:\n  base: {path: base, quant: Q8_0}\n  backend: {path: backend, base: base}\n"
        "  tuned: {path: tuned, base: base}\nroles:\n  orchestrator: {model: base}\n"
        f"{roles}placement: {{architecture: shared-base}}\n"
    )
    file, store = str(family / "swarm.yml"), Path(environment["XDG_DATA_HOME"]) / "swarmctl" / "models"
    planned = _convert(environment, "-f", file, "--plan")
    assert "first fold backend, tuned into base: reads" in planned.stdout
    said = json.loads(_convert(environment, "-f", file, "--plan", "--json").stdout)
    weights_of = [family / name / "model.safetensors" for name in ("base", "backend")]
    read = sum(path.stat().st_size for path in (*weights_of, family / "tuned" / "adapter_model.safetensors"))
    (one,) = said["folds"]
    assert one == {"base": "base", "names": ["backend", "tuned"], "reads": read, "fetches": 0}
    assert {step["model"] for step in said["steps"]} == {"base"}
    assert not (store / "adapters").exists()
    done = _convert(environment, "-f", file)
    assert done.returncode == 7, done.stderr
    assert "base: convert to F16 failed" in done.stderr, "this test has no tools to convert with"
    assert {"backend: shares base", "tuned: shares base"} <= set(done.stderr.splitlines())
    assert len(list((store / "adapters").glob("*.gguf"))) == 2
    assert not any(word in done.stderr for word in ("backend: convert", "tuned: convert"))
    after = json.loads(_convert(environment, "-f", file, "--plan", "--json").stdout)
    assert "folds" not in after
    alone = json.loads(_convert(environment, "-f", file, "--role", "tuned", "--plan", "--json").stdout)
    assert {step["model"] for step in alone["steps"]} == {"base"}


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
