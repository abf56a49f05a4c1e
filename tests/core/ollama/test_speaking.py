"""Format, tools, stop words and prompts at the edge of the context, by value."""

import pytest

from swarmctl.core.chatformat import FORMATS
from swarmctl.core.ollama.api import Said
from swarmctl.core.ollama.canary import Count, above_proof, below_proof, kept_proof, measure, same_proof, talk
from swarmctl.core.ollama.proof import Promise
from swarmctl.core.ollama.speaking import format_proof, stop_proof, tools_proof

LEAD = Promise("demo", "lead", 512, 1, "f16", -1)
STOPS = ("<|im_start|>", "<|im_end|>")
NEW = "request (529 tokens) exceeds the available context size (512 tokens), try increasing it"
OLD = "the input length exceeds the context length"


def said(text: str, reason: str = "stop") -> Said:
    return Said(text, reason, 9, 3, 0.0, 10.0)


def test_format() -> None:
    assert format_proof(LEAD, "chatml", FORMATS["chatml"]).verdict == "pass"
    assert format_proof(LEAD, "chatml", FORMATS["phi4"]).verdict == "fail"
    assert format_proof(LEAD, "own", FORMATS["phi4"]).verdict == "pass"
    assert format_proof(LEAD, "chatml", "", "HTTP 404").verdict == "fail"


@pytest.mark.parametrize(
    ("can", "capabilities", "rendered", "verdict"),
    [
        (True, ("completion", "tools"), "…look_around…", "pass"),
        (True, ("completion",), "…look_around…", "fail"),
        (True, ("completion", "tools"), "nothing of it", "fail"),
        (False, ("completion",), "", "pass"),
        (False, ("completion", "tools"), "…look_around…", "fail"),
        (None, ("tools",), "…look_around…", "pass"),
        (None, ("tools",), "", "fail"),
        (None, (), "", "pass"),
    ],
)
def test_tools(can: bool | None, capabilities: tuple[str, ...], rendered: str, verdict: str) -> None:
    assert tools_proof(LEAD, can, capabilities, rendered).verdict == verdict
    assert tools_proof(LEAD, can, capabilities, rendered, "HTTP 500").verdict == "fail"


@pytest.mark.parametrize(
    ("stored", "answer", "mark", "first", "verdict"),
    [
        (STOPS, said("1."), " ", said("1. 1"), "pass"),
        (STOPS[::-1], said("1."), " ", said("1. 1"), "pass"),
        (STOPS[:1], said("1."), " ", said("1. 1"), "fail"),
        ((), said("1."), " ", said("1. 1"), "fail"),
        (STOPS, said("1. 1 2", "length"), " ", said("1. 1"), "fail"),
        (STOPS, said("1. 1 2"), " ", said("1. 1"), "fail"),
        (STOPS, said("1.", "length"), " ", said("1. 1"), "unknown"),
        (STOPS, said("1."), " ", said("1.<|im_end|>"), "fail"),
        (STOPS, said("1."), "", said("1"), "unknown"),
        (STOPS, "no answer", " ", said("1. 1"), "unknown"),
    ],
)
def test_stop(stored: tuple[str, ...], answer: Said | str, mark: str, first: Said, verdict: str) -> None:
    assert stop_proof(LEAD, STOPS, stored, answer, mark, first).verdict == verdict


def test_how_long_prompts_are() -> None:
    plain = measure(17, 49)
    assert (plain.base, plain.slope) == (9, 1)
    assert (plain.tokens(plain.below(512)), plain.tokens(plain.above(512))) == (508, 529)
    three = measure(30, 126)
    assert 505 <= three.tokens(three.below(512)) <= 508
    assert three.tokens(three.above(512)) > 512
    assert plain.below(4) == 0
    assert all(measure(*counts).problem for counts in ((0, 10), (20, 20), (20, 10), (0, 0)))


@pytest.mark.parametrize(
    ("count", "verdict"),
    [
        (Count(508), "pass"), (Count(507), "pass"), (Count(509), "pass"), (Count(506), "fail"), (Count(258), "fail"),
        (Count(0, 400, OLD), "fail"), (Count(0, 0, "no answer"), "fail"), (Count(0), "fail"),
    ],
)  # fmt: skip
def test_just_below(count: Count, verdict: str) -> None:
    assert below_proof(LEAD, 508, count).verdict == verdict


@pytest.mark.parametrize(
    ("count", "verdict"),
    [
        (Count(0, 400, NEW), "pass"), (Count(0, 400, OLD), "pass"), (Count(258), "fail"), (Count(529), "fail"),
        (Count(0, 400, "invalid message"), "fail"), (Count(0, 500, OLD), "fail"), (Count(0, 0, "no answer"), "fail"),
    ],
)  # fmt: skip
def test_just_above(count: Count, verdict: str) -> None:
    assert above_proof(LEAD, 529, count).verdict == verdict


@pytest.mark.parametrize(
    ("below", "above", "problem", "verdict"),
    [
        ("FIRST yes word", "word", "", "pass"), ("word", "word", "", "fail"), ("", "", "HTTP 500: x", "fail"),
        ("FIRST yes word", "FIRST yes word word", "", "unknown"), ("word", "FIRST word", "", "fail"),
    ],
)  # fmt: skip
def test_a_fitting_conversation(below: str, above: str, problem: str, verdict: str) -> None:
    assert talk(1)[0]["content"] == "FIRST"
    assert kept_proof(LEAD, (508, below), above, problem).verdict == verdict


def test_the_agents_endpoint_counts_as_the_native_one() -> None:
    assert same_proof(LEAD, Count(17), Count(17)).verdict == "pass"
    assert same_proof(LEAD, Count(18), Count(17)).verdict == "pass"
    assert same_proof(LEAD, Count(19), Count(17)).verdict == "fail"
    assert same_proof(LEAD, Count(0, 404, "gone"), Count(17)).verdict == "fail"
    assert same_proof(LEAD, Count(0), Count(0)).verdict == "fail"
