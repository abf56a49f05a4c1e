"""Judgements on an engine, by value: just inside and just outside of what was promised."""

import dataclasses

import pytest

from swarmctl.core import engineproof as judge
from swarmctl.core.engine import EngineFile
from swarmctl.core.enginelog import LoadLines, software
from swarmctl.core.engineproof import Answer
from swarmctl.core.memory.need import Need, Part
from swarmctl.core.units import as_duration

ENGINE = EngineFile(
    swarm="demo", model="coder", blob="/b", port=1, key_file="/k", context=1000, parallel=2, kv="f16",
    flash_attention=True, threads=2, cache_ram=0, keep_alive=-1, gpu_layers=0,
)  # fmt: skip
PLAN = Need(Part(), Part(weights=1000, kv=100, compute=40, output=1, other=60))
LINES = LoadLines(1000, 100, 40, 1, "f16", "f16", "enabled")


@pytest.mark.parametrize(
    ("slots", "verdict"),
    [([1024, 1024], "pass"), ([1024], "fail"), ([1024, 512], "fail"), ([1000, 1000], "fail"), ([], "fail")],
)
def test_context_and_slots(slots: list[int], verdict: str) -> None:
    assert judge.context_proof(ENGINE, slots, "").verdict == verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "pass"),
        ({"weights": 1049.0}, "pass"),
        ({"weights": 1051.0}, "fail"),
        ({"weights": 949.0}, "fail"),
        ({"kv": 107.9}, "pass"),
        ({"kv": 108.1}, "fail"),
        ({"compute": 48.1}, "fail"),
        ({"output": 9.1}, "fail"),
    ],
)
def test_buffers_within_5_percent_or_8_mib(change: dict[str, float], verdict: str) -> None:
    proof = judge.buffers_proof(ENGINE, dataclasses.replace(LINES, **change), PLAN)
    assert proof.verdict == verdict
    assert verdict == "pass" or proof.evidence == f"off: {'KV' if 'kv' in change else next(iter(change))}"


@pytest.mark.parametrize(
    ("layers", "verdict", "measured"),
    [
        ((31, 31), "pass", "31 of 31"),
        ((30, 31), "fail", "30 of 31"),
        ((0, 31), "fail", "0 of 31"),
        (None, "fail", "none"),
    ],
)
def test_all_layers_are_on_the_card(layers: tuple[int, int] | None, verdict: str, measured: str) -> None:
    proof = judge.layers_proof(ENGINE, LINES, layers)
    assert (proof.verdict, proof.measured) == (verdict, measured)
    assert judge.layers_proof(ENGINE, None, layers).verdict == "unknown"


def test_a_bounded_model_may_take_less_never_more() -> None:
    bounded = dataclasses.replace(PLAN, exact=False)
    assert judge.buffers_proof(ENGINE, dataclasses.replace(LINES, kv=20), bounded).verdict == "pass"
    assert judge.buffers_proof(ENGINE, dataclasses.replace(LINES, kv=120), bounded).verdict == "fail"
    assert judge.process_proof(ENGINE, 100.0, bounded).verdict == "pass"


@pytest.mark.parametrize(
    ("resident", "cache", "verdict"),
    [(1161, 0, "pass"), (988, 0, "pass"), (986, 0, "fail"), (1381, 0, "pass"), (1382, 0, "fail"), (1382, 100, "pass")],
)
def test_process_memory_within_15_percent(resident: float, cache: int, verdict: str) -> None:
    engine = ENGINE.model_copy(update={"cache_ram": cache})
    assert judge.process_proof(engine, resident, PLAN).verdict == verdict


def test_a_gpu_that_is_software_has_its_memory_in_the_process() -> None:
    device = "Vulkan0 (llvmpipe (LLVM 19.1.7, 256 bits))"
    log = f"llama_model_load_from_file_impl: using device {device} (unknown id) - 23000 MiB free\n"
    assert software(log) == device
    assert software(log.replace("llvmpipe", "NVIDIA GeForce RTX 4090")) == ""
    assert judge.process_proof(ENGINE, 1400, PLAN, 0, device).verdict == "unknown"
    assert judge.process_proof(ENGINE, 900, PLAN, 0, device).verdict == "fail"


def test_a_process_that_runs() -> None:
    assert judge.up_proof(ENGINE, 7, 90).measured == f"pid 7, for {as_duration(90)}"
    assert judge.up_proof(ENGINE, None, None).verdict == "fail"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer("one two", 24, 0.5), "pass"),
        (Answer("one two", 24, 0.49), "fail"),
        (Answer("  ", 24, 9.0), "fail"),
        (Answer("x", 0, 9.0), "fail"),
        ("HTTP 500", "fail"),
    ],
)
def test_answers(answer: Answer | str, verdict: str) -> None:
    assert judge.answer_proof(ENGINE, answer, 0.5).verdict == verdict


def test_kv_and_flash_attention_by_the_engines_word() -> None:
    assert judge.kv_proof(ENGINE, LINES).verdict == "pass"
    states = judge.kv_proof(ENGINE, dataclasses.replace(LINES, key_type="", value_type=""))
    assert states.verdict == "unknown", "recurrent layers alone have no cache with a type"
    mixed = judge.kv_proof(ENGINE, dataclasses.replace(LINES, value_type="q8_0"))
    assert (mixed.verdict, mixed.measured) == ("fail", "f16/q8_0")
    assert judge.flash_proof(ENGINE, LINES).verdict == "pass"
    assert judge.flash_proof(ENGINE, dataclasses.replace(LINES, flash_attention="auto")).verdict == "fail"


def test_what_was_not_seen_is_unknown_and_says_how_to_see_it() -> None:
    for proof in (
        judge.kv_proof(ENGINE, None),
        judge.flash_proof(ENGINE, None),
        judge.flash_proof(ENGINE, dataclasses.replace(LINES, flash_attention="")),
        judge.buffers_proof(ENGINE, None, PLAN),
        judge.process_proof(ENGINE, None, PLAN),
        judge.buffers_proof(ENGINE, LINES, None),
    ):
        assert proof.verdict == "unknown"
        assert proof.evidence


@pytest.mark.parametrize(
    ("before", "after", "answer", "least", "verdict", "measured"),
    [
        ((5.0, 1), (5.0, 1), Answer("ok", 1, 9.0), 0, "pass", "the same process, no load"),
        ((5.0, 1), (5.0, 2), Answer("ok", 1, 9.0), 0, "fail", "1 loads"),
        ((5.0, 1), (6.0, 1), Answer("ok", 1, 9.0), 0, "fail", "another process"),
        ((None, 0), (None, 0), Answer("ok", 1, 9.0), 0, "fail", "another process"),
        ((5.0, 1), (5.0, 1), "HTTP 500", 0, "fail", "no second answer: HTTP 500"),
        ((5.0, 0), (5.0, 0), Answer("ok", 1, 9.0), 1, "fail", "0 loads"),
    ],
)
def test_a_second_answer_without_a_load(
    before: judge.Seen, after: judge.Seen, answer: Answer | str, least: int, verdict: str, measured: str
) -> None:
    found = judge.reload_proof(ENGINE, before, after, answer, evidence="log", mend="up", least=least)
    assert (found.verdict, found.measured) == (verdict, measured)
