"""A certificate is read strictly, refuses what is wrong, and says what was measured."""

import json
from typing import Any

import pytest

from fakes.certificates import certificate, of_file
from swarmctl.core.converting.certificate import Certificate
from swarmctl.errors import SpecError


def refused(path: str, value: Any) -> str:
    return "\n".join(Certificate.from_json(certificate(path, value)).refusals())


def test_a_good_one_is_not_refused_and_says_what_was_measured() -> None:
    found = Certificate.from_json(json.dumps(certificate()))
    assert found.refusals() == ()
    said = "\n".join(found.lines())
    assert "20 of 20 published in 21" in said
    assert "all layers against the published ones, 1 prompts: kl at most 1.0e-06" in said
    assert "1 of 2 dialogues as the tokenizer renders them, 1 that it does not know" in said
    assert "0.60 GB, 4.85 bits per weight, kl 0.0312, the same first token in 92 %" in said
    assert "torch" not in said


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("source", {"error": "gone"}, "source: not measured: gone"),
        ("tensors", {"error": "ends early"}, "tensors: not measured: ends early"),
        ("tensors/published", 0, "none were published"),
        ("tensors/missing", ["blk.1.x"], "in no published file: blk.1.x"),
        ("tensors/not_numbers", {"blk.0.ffn_up.weight": 1}, "result are NaN or infinite: blk.0.ffn_up.weight"),
        ("tensors/source_not_numbers", {"a": 3}, "published values are NaN or infinite: a"),
        ("tokens/wrong", 1, "1 of 72 readings have other ids; none is shown"),
        ("tokens/back_wrong", 2, "2 of 36 strings come back"),
        ("tokens/other_words", 2, "2 of 128256 ids stand for other words; none is shown"),
        ("tokens/strings", 0, "no string was tried"),
        ("tokens/begins/llama.cpp", False, "a text begins with token 128000 (BOS)"),
        ("tokens/begins/tokenizer", False, "a text does not begin with token 128000 (BOS)"),
        ("template/dialogues/0/verdict", "another", "1 of 2 dialogues come out otherwise; one question"),
        ("template/dialogues/0/verdict", "refused", "llama.cpp refuses 1 of 2 dialogues; one question"),
        ("template/dialogues/0/verdict", "not in this template", "no dialogue comes out"),
        ("stop/ends", [], "no token ends an answer"),
        ("stop/ends/0/stops", False, "does not stop llama.cpp: 128009 <|eot_id|>"),
        ("stop/goes_on", False, "every token ends"),
        ("logits/kl", None, "there are none, or they are no numbers"),
        ("logits/prompts", [], "there are none"),
        ("logits/prompts/0/kl", 2e-3, "kl 0.002 (up to 0.001)"),
        ("logits/prompts/0/largest", 0.2, "largest difference 0.2 (up to 0.1)"),
        ("logits/prompts/0/largest", None, "largest difference no number"),
        ("quants", {"error": "no room"}, "quants: not measured: no room"),
        ("quants/Q4_K_M/kl", None, "no number"),
        ("quants/Q4_K_M/kl", 5.0, "5 nats"),
        ("quants/Q4_K_M/error", "killed", "Q4_K_M: not measured: killed"),
        ("quants/Q4_K_M/changed", ["tokenizer.chat_template"], "not the unquantised file's: tokenizer.chat_template"),
    ],
)
def test_each_wrong_figure_refuses_it(path: str, value: Any, why: str) -> None:
    assert why in refused(path, value)


def test_limits_follow_the_type_of_the_file() -> None:
    raw = certificate("logits/prompts/0/kl", 2e-3)
    raw["gguf"]["types"] = ["BF16", "F32"]
    assert Certificate.from_json(raw).refusals() == ()
    raw["gguf"]["types"] = ["F32"]
    assert "up to 0.0001" in Certificate.from_json(raw).refusals()[0]


@pytest.mark.parametrize(
    ("path", "value"), [("tensors/unplaced", ["strange.weight"]), ("tensors/apart", {"blk.0.x": "another size"})]
)
def test_names_and_moments_count_where_not_every_layer_was_run(path: str, value: Any) -> None:
    raw = certificate(path, value)
    assert Certificate.from_json(raw).refusals() == ()
    raw["logits"]["layers"] = 1
    assert len(Certificate.from_json(raw).refusals()) == 1
    assert any("the first 1 of 2 layers" in line for line in Certificate.from_json(raw).lines())


def test_eight_bits_must_be_closer_than_four() -> None:
    raw = certificate()
    raw["quants"] = {"Q8_0": raw["quants"]["Q4_K_M"] | {"kl": 0.6}}
    assert "Q8_0: 0.6 nats" in Certificate.from_json(raw).refusals()[0]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", 3), ("format", "1"), ("against", "x"), ("seconds", -1), ("seconds", float("nan")), ("seconds", "21"),
        ("gguf/bytes", -1), ("gguf/bytes", 10**30), ("gguf/sha256", "abc"), ("gguf/layers", 1.5),
        ("tensors", []), ("tensors/apart", {"a": -1.0}), ("tensors/apart", {"a": "far"}), ("tokens/begins", {}),
        ("template/dialogues/0/verdict", "fine"), ("logits/prompts/0/kl", float("inf")), ("logits/kl", -0.5),
        ("quants/Q4_K_M/kl", float("nan")), ("quants/Q4_K_M/kl", 1e30), ("quants/Q4_K_M/unknown", 1),
        ("unknown", 1), ("source", None), ("tools", {"a": 1}), ("stop/ends/0/stops", 1),
    ],
)  # fmt: skip
def test_anything_else_is_no_certificate(path: str, value: Any) -> None:
    with pytest.raises(SpecError, match="this is no certificate of a conversion"):
        Certificate.from_json(certificate(path, value))


@pytest.mark.parametrize("raw", ["", "{", b"\xff", "null", "[]", None, 3, {}, {1, 2}, "[" * 100_000, b" " * (9 << 20)])
def test_nonsense_is_no_certificate(raw: Any) -> None:
    with pytest.raises(SpecError, match="this is no certificate of a conversion"):
        Certificate.from_json(raw)


@pytest.mark.parametrize("missing", list(certificate()))
def test_every_part_must_be_there(missing: str) -> None:
    raw = certificate()
    del raw[missing]
    with pytest.raises(SpecError, match=missing):
        Certificate.from_json(raw)


def test_a_file_that_was_published_as_gguf_is_held_against_itself() -> None:
    found = Certificate.from_json(of_file())
    assert found.refusals() == ()
    said = "\n".join(found.lines())
    assert "source      a GGUF file" in said
    assert "33 of 34 hard strings come back" in said
    assert "49,152 words" in said
    assert "weights" not in said.replace("bits per weight", "")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("file/back_wrong", 20, "20 of 34 strings come back as another text; 'a' comes back as 'b'"),
        ("file/silent", ["code"], "no numbers after 1 of 6 prompts"),
        ("file/not_numbers", {"output_norm.weight": 3}, "NaN or infinite: output_norm.weight"),
        ("file/begins/said", True, "add_bos_token True"),
        ("file", {"error": "llama-server ended"}, "file: not measured: llama-server ended"),
        ("template/dialogues", [{"dialogue": "one question", "verdict": "refused", "why": "x"}], "none of 1 dialogues"),
        ("stop/ends/0/stops", False, "does not stop llama.cpp"),
        ("quants/Q4_K_M/kl", 9.0, "9 nats"),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(path: str, value: Any, said: str) -> None:
    (refusal,) = Certificate.from_json(of_file(path, value)).refusals()
    assert said in refusal


def test_a_file_whose_template_differs_in_some_dialogues_is_not_refused_for_it() -> None:
    raw = of_file("template/dialogues/0", {"dialogue": "one question", "verdict": "same"})
    raw["template"]["dialogues"].append({"dialogue": "odd", "verdict": "another", "at": 3, "expected": "a", "got": "b"})
    assert Certificate.from_json(raw).refusals() == ()


@pytest.mark.parametrize("missing", ["file", "template", "stop"])
def test_every_part_of_a_files_proof_must_be_there(missing: str) -> None:
    raw = of_file()
    del raw[missing]
    with pytest.raises(SpecError, match=missing):
        Certificate.from_json(raw)
