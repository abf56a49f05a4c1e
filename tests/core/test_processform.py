"""When a swarm may become processes, and what it is then."""

import pytest

from swarmctl.core.processform import (
    WALLS,
    as_processes,
    lost,
    may_be_processes,
    on_processors,
    rental_image,
    uses_card,
)
from swarmctl.core.settle import unserved
from swarmctl.core.specfile import Loaded, Override, load

FILE = b"name: mine\ntarget: {vast: {}}\nmodels: {m: {hf: some/one, file: x.gguf}}\nroles: {orchestrator: {model: m}}\n"


def read(more: bytes = b"", *overrides: Override) -> Loaded:
    return load(FILE + more, source="x.yml", overrides=overrides)


def test_where_nobody_said_how_it_may_be_either() -> None:
    loaded = read()
    assert loaded.spec.runtime == "compose"
    assert may_be_processes(loaded.spec, loaded.origins)
    other = as_processes(loaded.spec)
    assert (other.runtime, other.engine.kind) == ("process", "llamacpp")
    assert tuple(unserved(other)) == ()


@pytest.mark.parametrize(
    "more",
    [b"runtime: compose\n", b"engine: {kind: ollama}\n", b"engine: {image: mine:1}\n", b"engine: {version: 1.2.3}\n"],
)
def test_what_a_file_names_stays(more: bytes) -> None:
    loaded = read(more)
    assert not may_be_processes(loaded.spec, loaded.origins)


def test_what_a_flag_names_stays() -> None:
    loaded = read(b"", Override(("runtime",), "compose", "--runtime"))
    assert not may_be_processes(loaded.spec, loaded.origins)


def test_a_swarm_of_this_machine_is_not_asked() -> None:
    loaded = load(FILE.replace(b"target: {vast: {}}\n", b""), source="x.yml")
    assert not may_be_processes(loaded.spec, loaded.origins)


def test_its_need_is_that_of_processors_and_a_wish_for_a_card_is_not_overruled() -> None:
    assert on_processors(read().spec).models["m"].device == "cpu"
    asked = load(FILE.replace(b"file: x.gguf", b"file: x.gguf, device: gpu"), source="x.yml").spec
    assert on_processors(asked).models["m"].device == "gpu"
    assert tuple(unserved(as_processes(asked))) == ()


def test_a_container_is_rented_with_what_its_card_needs_unless_nothing_runs_on_it() -> None:
    whole = as_processes(read().spec)
    assert uses_card(whole)
    assert "llama.cpp:server-cuda-b" in rental_image(whole)
    assert lost(whole) == (WALLS, f"models run on its card by the llama-server of {rental_image(whole)}")
    plain = on_processors(whole)
    assert not uses_card(plain)
    assert "base-image" in rental_image(plain)
    assert lost(plain)[1].endswith("its card is not used")
    own = whole.model_copy(update={"engine": whole.engine.model_copy(update={"image": "mine/llama.cpp:b1"})})
    assert rental_image(own) == "mine/llama.cpp:b1"


def test_experts_on_processors_are_for_containers() -> None:
    asked = load(FILE.replace(b"file: x.gguf", b"file: x.gguf, device: experts-on-cpu"), source="x.yml").spec
    (said,) = unserved(as_processes(asked))
    assert "experts-on-cpu is served by containers alone" in said
