"""From published folders to answers, with llama.cpp's own script and server: the program runs in its container."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fakes.grounded import docker, stands
from fakes.safetensorsfile import Array
from fakes.sharedserver import Shared, contained
from fakes.specialists import direction, without
from fakes.tinymodels import edit, make
from swarmctl.assets import __file__ as assets
from swarmctl.core.sharing.report import Report, read
from swarmctl.core.sharing.rewriting import scales

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]
CONVERTER = "swarmctl/converter:0.1.0"
SOURCE = Path(assets).resolve().parents[1]
PROMPT = [100, 2000, 30_000, 17, 5_000, 12, 480, 3, 99, 1_000]
SHOWN = 2_000


def converting(folder: Path, *argv: str, said: str = "") -> str:
    """What a program in the converter's container prints; its errors when it fails."""
    (folder / "stdin").write_text(said)
    mounts = ["-v", f"{folder}:/w", "-v", f"{SOURCE}:/src:ro", "-u", "0:0", "--network", "none"]
    path = ["-e", "PYTHONPATH=/src:/usr/share/llama.cpp/llama.cpp-tools", "--label", "swarmctl.test=share"]
    return docker("run", "--rm", *mounts, *path, "--entrypoint", "sh", CONVERTER, "-c", '"$@" < /w/stdin', "sh", *argv)


def present() -> None:
    stands("engine", "llama.cpp")
    if not docker("images", "-q", CONVERTER).strip():
        pytest.skip(f"no {CONVERTER} here: swarmctl up with runtime compose builds it")


def edited(tensors: dict[str, Array], seed: int, *parts: str) -> None:
    """One direction less to write, in place."""
    width = next(t.shape[1] for name, t in tensors.items() if name.endswith("embed_tokens.weight"))
    tensors.update(without(tensors, direction(width, seed), parts=parts))


def first(server: Shared, **body: Any) -> dict[int, float]:
    """Log-probabilities of the likeliest tokens after the prompt."""
    told = {"prompt": PROMPT, "n_predict": 1, "n_probs": SHOWN, "temperature": 0} | body
    rows = server.post("/completion", **told).json()["completion_probabilities"]
    return {one["id"]: one["logprob"] for one in rows[0]["top_logprobs"]}


def apart(one: dict[int, float], other: dict[int, float]) -> float:
    """The largest difference among the tokens that both name, which are nearly all where they are alike."""
    both = one.keys() & other.keys()
    assert len(both) > SHOWN / 4
    return max(abs(one[token] - other[token]) for token in both)


@pytest.mark.parametrize(
    ("arch", "untie"), [("Qwen2ForCausalLM", True), ("LlamaForCausalLM", True), ("Gemma2ForCausalLM", False)]
)
def test_a_base_and_its_adapter_answer_as_the_specialist_does(arch: str, untie: bool, tmp_path: Path) -> None:
    present()
    more = ("embed_tokens",) if untie else ()
    make(tmp_path / "base", arch, dtype="f32")
    shutil.copytree(tmp_path / "base", tmp_path / "backend")
    edit(tmp_path / "backend", lambda t: edited(t, 1, "o_proj", "down_proj", *more), dtype="f32")
    told = {"base": "/w/base", "specialists": {"backend": "/w/backend"}, "out": "/w/out", "untied": "/w/untied"}
    lines = converting(tmp_path, "python3", "-m", "swarmctl.converter.sharebase", said=json.dumps(told)).splitlines()
    report = read(lines[-1])
    assert [(one.why, one.rank) for one in report.specialists] == [((), 1)]
    assert report.untie == untie
    for folder, name in (("untied" if untie else "base", "base"), ("backend", "backend")):
        converting(tmp_path, "convert_hf_to_gguf", "--outtype", "f32", "--outfile", f"/w/{name}.gguf", f"/w/{folder}")
    _alike(tmp_path, report)


def _alike(folder: Path, report: Report) -> None:
    """Each on its slot as alone, and unlike the base."""
    alone = {}
    for one in report.specialists:
        with contained(folder, folder / f"{one.name}.gguf", [], 1, kv="f32") as server:
            alone[one.name] = first(server)
    adapters = [folder / "out" / one.adapter for one in report.specialists]
    with contained(folder, folder / "base.gguf", adapters, len(adapters), kv="f32") as server:
        for n, one in enumerate(report.specialists):
            assert apart(first(server, lora=scales(n, len(adapters)), id_slot=n), alone[one.name]) <= 1e-3
        assert apart(first(server, lora=scales(9, len(adapters)), id_slot=0), alone["backend"]) > 0.02
