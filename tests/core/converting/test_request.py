"""What a word of the command line names, and quantisations as they are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.converting.request import Asked, asked, check, named, quants
from swarmctl.errors import SpecError


@pytest.mark.parametrize(
    ("text", "there", "found"),
    [
        ("models/My-Coder", "folder", Asked("folder", "models/My-Coder", "my-coder")),
        ("a/b.Q4.gguf", "file", Asked("gguf", "a/b.Q4.gguf", "b-q4")),
        ("Qwen/Qwen2.5-3B", "", Asked("hub", "Qwen/Qwen2.5-3B", "qwen2-5-3b", "main")),
        ("hf:Qwen/Qwen2.5-3B@v1.0", "", Asked("hub", "Qwen/Qwen2.5-3B", "qwen2-5-3b", "v1.0")),
        ("ollama:qwen2.5-coder:3b", "", Asked("ollama", "qwen2.5-coder", "qwen2-5-coder-3b", "3b")),
        ("ollama:smollm", "", Asked("ollama", "smollm", "smollm", "latest")),
    ],
)
def test_a_word_names_a_source(text: str, there: str, found: Asked) -> None:
    assert asked(text, there) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "nothing", "../up/there", "a/../b", "https://x/y", "a/b/c", "-flag/x", "a/b@-rm", "ollama:", "a\n/b"]
)
def test_what_names_nothing_is_said_with_the_forms_that_do(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        asked(text, "")
    assert "owner/name" in caught.value.hint


def test_one_safetensors_file_is_sent_to_its_folder() -> None:
    with pytest.raises(SpecError) as caught:
        asked("m/model.safetensors", "file")
    assert caught.value.hint == "name its folder: m"


@given(st.text(max_size=300))
def test_any_text_is_a_source_or_a_clear_error_and_any_name_is_safe(text: str) -> None:
    try:
        found = asked(text, "")
    except SpecError:
        found = None
    name = found.name if found else named(text)
    assert 0 < len(name) <= 60
    assert all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in name)


def test_quantisations_are_read_in_any_case_each_once_in_their_order() -> None:
    assert quants(["q8_0,Q4_K_M", "q8_0"]) == ("Q8_0", "Q4_K_M")


@pytest.mark.parametrize("text", ["", ",", "Q4", "Q9_9", "Q4_K_M,nonsense", "--help"])
def test_an_unknown_quantisation_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        quants([text])
    assert "Q4_K_M" in caught.value.hint


def test_few_bits_need_an_importance_matrix() -> None:
    with pytest.raises(SpecError, match="IQ2_XS"):
        check(["Q4_K_M", "IQ2_XS"], "")
    check(["IQ2_XS"], "auto")
    check(["Q4_K_M"], "")
