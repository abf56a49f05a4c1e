"""Which images a swarm file's engine means: its version's, or the one that it names."""

import pytest

from swarmctl.core.images import images_of
from swarmctl.core.spec import EngineSettings
from swarmctl.errors import SpecError


def test_the_version_of_an_engine_says_its_image() -> None:
    assert images_of(EngineSettings(kind="ollama", version="0.24.0"), "0.1.0").ollama == "ollama/ollama:0.24.0"


def test_a_named_image_stands_for_its_own_engine_alone() -> None:
    named = images_of(EngineSettings(kind="ollama", image="ollama/ollama:0.32.15-vulkan"), "0.1.0")
    plain = images_of(EngineSettings(kind="ollama"), "0.1.0")
    assert named.ollama == "ollama/ollama:0.32.15-vulkan"
    assert (named.llamacpp, named.agent) == (plain.llamacpp, plain.agent)


def test_an_image_without_a_version_is_refused() -> None:
    with pytest.raises(SpecError, match="not pinned"):
        images_of(EngineSettings(kind="ollama", image="ollama/ollama"), "0.1.0")
