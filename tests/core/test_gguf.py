"""Values of the GGUF rules."""

import dataclasses

import gguf
import pytest

from swarmctl.core.gguf import TYPES, GgufFacts, Header, Tensor, facts, tensor_bytes
from swarmctl.errors import SpecError

META = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.context_length": 128,
}
EMBD = Tensor("token_embd.weight", (64, 10), 0, 2560, 0)


def test_types_are_those_of_the_gguf_package() -> None:
    theirs = {int(kind): (kind.name, *sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert theirs == TYPES


@pytest.mark.parametrize(
    ("shape", "kind", "size"),
    [((32,), 8, 34), ((256, 3), 12, 432), ((5, 7), 1, 70), ((1,), 0, 4)],
)
def test_bytes_of_a_tensor(shape: tuple[int, ...], kind: int, size: int) -> None:
    assert tensor_bytes(shape, kind) == size


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        ((), 0, "empty shape"),
        ((4, 0), 0, "empty shape"),
        ((31,), 8, "blocks of 32"),
        ((1 << 62, 4), 0, "claims"),
        ((4,), 4, "type 4"),
    ],
)
def test_tensors_that_cannot_be(shape: tuple[int, ...], kind: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tensor_bytes(shape, kind)


def test_defaults_of_absent_keys() -> None:
    found = facts(Header(META, [EMBD], 0, 9999))
    assert (found.head_count_kv, found.kv_heads, found.key_length, found.vocab_size) == (4, 8, 16, 10)
    assert (found.feed_forward_length, found.file_type, found.special) == (0, None, ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"general.architecture": ""}, "lacks general.architecture"),
        ({"llama.block_count": 0}, "claims 0 layers"),
        ({"llama.block_count": 10**9}, "claims 1000000000 layers"),
        ({"llama.context_length": -1}, "context_length is -1"),
        ({"llama.context_length": True}, "context_length is True"),
        ({"llama.embedding_length": "x"}, "embedding_length is 'x'"),
    ],
)
def test_nonsense_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        facts(Header({**META, **change}, [EMBD], 0, 9999))


def test_a_model_without_an_embedding_is_none() -> None:
    with pytest.raises(SpecError, match="no tensor token_embd"):
        facts(Header(META, [dataclasses.replace(EMBD, name="x")], 0, 9999))


def test_facts_survive_json() -> None:
    found = facts(Header({**META, "llama.expert_count": 4}, [EMBD], 0, 9999))
    assert GgufFacts.from_json(found.as_json()) == found
    assert found.special == ("experts",)
    with pytest.raises(SpecError, match="heads"):
        GgufFacts.from_json({**found.as_json(), "heads": 1})
