"""What a folder of weights may not be: everything wrong with it is said at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.converting.unsafe import CONFIG, INDEX, WHOLE, Listing, mistakes, needed, outside, weights

GOOD = {CONFIG: 700, "tokenizer.json": 9000, WHOLE: 10**6, "README.md": 10}
CONFIGURED = {"architectures": ["Qwen2ForCausalLM"]}


def test_a_good_folder_has_no_mistakes_and_only_what_is_read_is_shown() -> None:
    found = Listing({**GOOD, "pytorch_model.bin": 5, "modeling_x.py": 5, "sub/model.safetensors": 9}, CONFIGURED)
    assert mistakes(found) == ()
    assert needed(found) == (CONFIG, WHOLE, "tokenizer.json")
    assert "modeling_x.py" in needed(found, trust=True)


def test_pickle_files_are_never_read() -> None:
    (said,) = mistakes(Listing({CONFIG: 1, "tokenizer.json": 1, "pytorch_model.bin": 9}, CONFIGURED))
    assert "pickle" in said
    assert "pytorch_model.bin" in said


def test_all_mistakes_come_at_once() -> None:
    index = {"weight_map": {"a": "model-00001-of-00003.safetensors", "b": "../../etc/passwd", "c": 5}}
    sizes = {CONFIG: 0, INDEX: 9, "model-00001-of-00003.safetensors": 0, "model-00003-of-00003.safetensors": 4}
    said = "\n".join(mistakes(Listing(sizes, None, index=index)))
    for part in (
        "config.json is missing or is no JSON", "../../etc/passwd leads out", "names 1 files that are no names",
        "model-00002-of-00003.safetensors", "model-00001-of-00003.safetensors is empty", "no tokenizer",
    ):  # fmt: skip
        assert part in said


def test_shards_without_an_index_and_an_index_without_shards() -> None:
    alone = Listing({CONFIG: 1, "tokenizer.json": 1, "model-00001-of-00002.safetensors": 5}, CONFIGURED)
    (said,) = mistakes(alone)
    assert said.startswith("missing: ")
    assert "model-00002-of-00002.safetensors" in said
    assert INDEX in said
    empty = Listing(
        {CONFIG: 1, "tokenizer.json": 1, INDEX: 5}, CONFIGURED, index={"weight_map": {"a": "x.safetensors"}}
    )
    assert mistakes(empty) == ("missing: x.safetensors",)
    assert mistakes(Listing({**GOOD, INDEX: 3}, CONFIGURED, index={})) == (f"{INDEX} maps no tensors",)


def test_a_shard_that_is_cut_short_is_said() -> None:
    found = Listing(GOOD, CONFIGURED, holes={WHOLE: "has 5 bytes, its header promises 9"})
    assert mistakes(found) == (f"{WHOLE} has 5 bytes, its header promises 9",)


def test_code_of_the_repository_needs_trust_unless_the_model_is_known_without_it() -> None:
    auto = {"AutoModelForCausalLM": "modeling_x.Y"}
    assert mistakes(Listing(GOOD, {**CONFIGURED, "auto_map": auto})) == ()
    own = Listing(GOOD, {"architectures": ["MyOwnForCausalLM"], "auto_map": auto})
    (said,) = mistakes(own)
    assert "--trust-remote-code" in said
    assert mistakes(own, trust=True) == ()
    (said,) = mistakes(Listing(GOOD, CONFIGURED, {"auto_map": {"AutoTokenizer": ["x.T", None]}}))
    assert "tokenizer" in said


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../x", "a\\b", "~/x", "C:x", "", None, 7, "a\0b", "x" * 999]
)
def test_names_that_lead_out(name: object) -> None:
    assert outside(name)


_VALUES = st.none() | st.integers() | st.text(max_size=30) | st.lists(st.text(max_size=9))


@given(
    st.dictionaries(st.text(max_size=40), st.integers(-5, 10**18), max_size=8),
    st.dictionaries(st.text(max_size=20), _VALUES, max_size=6),
)
def test_any_listing_is_judged(sizes: dict[str, int], said: dict[str, object]) -> None:
    found = Listing(sizes, said, said, {"weight_map": said})
    assert isinstance(mistakes(found), tuple)
    assert set(needed(found)) <= set(sizes)
    assert isinstance(weights(found), tuple)
