"""The random models are small, are all different to an engine, and answer on the CPU and on the software GPU."""

from pathlib import Path

import gguf
import pytest

from fakes.grounded import docker, ollama, stands
from fakes.smollm import smollm
from ground.places import OLLAMA, OLLAMA_OLD, OLLAMA_VULKAN, ROLES, tiny_random
from ground.tinyrandom import SHAPES, write

MIB = 1024 * 1024


@pytest.mark.slow
def test_a_model_is_small_whole_and_the_same_each_time(tmp_path: Path) -> None:
    tokenizer = gguf.GGUFReader(smollm())
    for name in ("one", "two"):
        write(tmp_path / name, "docs", SHAPES["docs"], tokenizer, seed=5)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = gguf.GGUFReader(tmp_path / "one")
    assert sum(int(tensor.n_elements) for tensor in read.tensors) <= 10_000_000
    assert max(int(tensor.n_bytes) for tensor in read.tensors) < 128 * MIB
    for name in ("tokens", "merges", "token_type"):
        key = f"tokenizer.ggml.{name}"
        assert read.fields[key].contents() == tokenizer.fields[key].contents()
    assert "im_start" in read.fields["tokenizer.chat_template"].contents()


@pytest.mark.parametrize(
    ("part", "image", "device"),
    [("ollama", OLLAMA, "CPU"), ("ollama-old", OLLAMA_OLD, "CPU"), ("ollama-vulkan", OLLAMA_VULKAN, "GPU")],
)
@pytest.mark.ground
@pytest.mark.scenario(seconds=40)
def test_all_are_loaded_at_once_each_with_an_answer_of_its_own(part: str, image: str, device: str) -> None:
    stands("engine", "tiny", part)
    settings = {"OLLAMA_MAX_LOADED_MODELS": "7", "OLLAMA_FLASH_ATTENTION": "1", "OLLAMA_KV_CACHE_TYPE": "q8_0"}
    settings |= {"GGML_VK_VISIBLE_DEVICES": "0"} if device == "GPU" else {}
    with ollama(image, **settings) as server:
        for role in ROLES:
            server.create(role, tiny_random(role))
        said = {server.answer(role)["response"] for role in ROLES}
        assert len(said) == len(ROLES)
        assert docker("exec", server.container, "ollama", "ps").count(f"100% {device}") == len(ROLES)
