"""What llama.cpp converts, and what it says of the rest."""

from typing import Any

import pytest

from fakes.tinymodels import ARCHITECTURES
from swarmctl.core.architectures.registry import CLASSES
from swarmctl.core.converting.architectures import SUPPORTED, architecture, lines
from swarmctl.errors import SpecError


def test_every_architecture_that_is_planned_can_be_converted() -> None:
    assert set(CLASSES) - SUPPORTED == set()
    assert set(ARCHITECTURES) <= SUPPORTED


def test_an_unknown_one_ends_with_the_whole_list_and_the_nearest_name() -> None:
    with pytest.raises(SpecError) as caught:
        architecture({"architectures": ["Qwen2ForCausalML"]})
    assert "Qwen2ForCausalLM" in caught.value.message
    assert all(name in caught.value.detail for name in SUPPORTED)
    assert max(map(len, lines().splitlines())) <= 110


@pytest.mark.parametrize(
    "said", [{}, {"architectures": []}, {"architectures": "Qwen2ForCausalLM"}, {"architectures": [3]}]
)
def test_a_config_that_names_none_is_said(said: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="names nothing"):
        architecture(said)
