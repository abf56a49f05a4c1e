"""Shaders of the software GPU, compiled once: a driver for real cards keeps such a cache too, and without it a prompt
of 200 tokens takes minutes."""

import os
from pathlib import Path

from fakes.grounded import docker, ollama
from ground.places import CACHE, OLLAMA_VULKAN, tiny_random

FOLDER = CACHE / "shaders"
HERE = "/var/cache/stand-in-cards"
"""Where hosts and their containers have it."""
_NOTE = FOLDER / "warm"
_WORDS = (8, 40, 120, 230)
"""Prompts whose tiles differ, and with them what is compiled; 252 tokens are the longest that `up` sends here."""


def folder() -> Path:
    """The folder, which every user of every container may write."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chmod(FOLDER, 0o1777)  # noqa: PTH101 - nothing but compiled shaders, of tests
    return FOLDER


def warm() -> None:
    """Compiles what a short context needs, unless that was done for this image."""
    image = docker("image", "inspect", "-f", "{{.Id}}", OLLAMA_VULKAN).strip()
    if _NOTE.is_file() and _NOTE.read_text() == image:
        return
    settings = {"GGML_VK_VISIBLE_DEVICES": "0", "OLLAMA_VULKAN": "1", "OLLAMA_FLASH_ATTENTION": "1"}
    settings |= {"MESA_SHADER_CACHE_DIR": HERE, "LLAMA_ARG_FIT_TARGET": "256"}
    with ollama(
        OLLAMA_VULKAN, "-v", f"{folder()}:{HERE}", "--user", "10001:10001", "-e", "HOME=/tmp", **settings
    ) as at:
        for role in ("orchestrator", "frontend"):  # one of each architecture
            at.create(role, tiny_random(role))
            for words in _WORDS:
                asked = {"num_ctx": 256, "num_predict": 4, "temperature": 0, "num_batch": 512}
                at.ask("generate", model=role, prompt=" word" * words, raw=True, stream=False, options=asked)
    _NOTE.write_text(image)
