"""Answers and second passes, by value."""

from datetime import UTC, datetime

import pytest

from swarmctl.core.ollama.answering import Turn, answer_proof, mark_of, second_pass_proof, together_proof
from swarmctl.core.ollama.api import Loaded, Said
from swarmctl.core.ollama.proof import Promise

LEAD, CODER = Promise("demo", "lead", 512, 1, "f16", -1), Promise("demo", "coder", 512, 1, "f16", 3600)
SAID = Said("1. 1\n2. 2", "length", 17, 24, 0.0, 50.0)
LATER = datetime(2300, 1, 1, tzinfo=UTC)


def said(text: str = "One", tokens: int = 4, load: float = 0.0, rate: float = 10.0) -> Said:
    return Said(text, "length", 9, tokens, load, rate)


@pytest.mark.parametrize(
    ("answer", "golden", "verdict"),
    [
        (said(), None, "pass"), (said(), "One", "pass"), (said(), "Two", "fail"), (said(rate=0.5), None, "pass"),
        (said(rate=0.49), None, "fail"), (said(text=" "), None, "fail"), (said(tokens=0), None, "fail"),
        ("signal: killed", None, "fail"),
    ],
)  # fmt: skip
def test_answers(answer: Said | str, golden: str | None, verdict: str) -> None:
    assert answer_proof(LEAD, answer, 0.5, golden).verdict == verdict


@pytest.mark.parametrize(
    ("before", "after", "answer", "verdict"),
    [
        (Turn("7@1", 1), Turn("7@1", 1), said(), "pass"),
        (Turn("", 1), Turn("", 1), said(), "pass"),
        (Turn("7@1", 0), Turn("7@1", 0), said(), "pass"),
        (Turn("7@1", 1), Turn("8@2", 2), said(), "fail"),
        (Turn("7@1", 1), Turn("7@2", 1), said(), "fail"),
        (Turn("7@1", 1), Turn("", 1), said(), "fail"),
        (Turn("", 1), Turn("", 2), said(), "fail"),
        (Turn("7@1", 1), Turn("7@1", 1), said(load=0.5), "fail"),
        (Turn(), Turn(), said(), "unknown"),
        (Turn(), Turn(), said(load=3.0), "fail"),
        (Turn("7@1", 1), Turn("7@1", 1), "no answer", "fail"),
    ],
)
def test_second_pass(before: Turn, after: Turn, answer: Said | str, verdict: str) -> None:
    assert second_pass_proof(LEAD, before, after, answer).verdict == verdict


@pytest.mark.parametrize(
    ("answers", "after", "there", "most", "verdict"),
    [
        ((said(), said()), ("1@1", "2@1"), "lead coder", None, "pass"),
        ((said(), "busy"), ("1@1", "2@1"), "lead coder", None, "fail"),
        ((said(), said(tokens=0)), ("1@1", "2@1"), "lead coder", None, "fail"),
        ((said(), said()), ("1@1", "9@5"), "lead coder", None, "fail"),
        ((said(), said()), ("1@1", "2@1"), "lead", None, "fail"),
        ((said(), said()), ("1@1", "2@1"), "", None, "fail"),
        ((said(), said(load=4.0)), ("", "9@5"), "coder", 1, "pass"),
        ((said(), said()), ("1@1", "2@1"), "lead coder", 1, "fail"),
        ((said(), "no"), ("", "9@5"), "coder", 1, "fail"),
    ],
)
def test_together(
    answers: tuple[Said | str, Said | str], after: tuple[str, str], there: str, most: int | None, verdict: str
) -> None:
    rows = [Loaded(name, "d", 1, 0, 512, LATER) for name in there.split()]
    runners = ({"lead": "1@1", "coder": "2@1"}, dict(zip(("lead", "coder"), after, strict=True)))
    proof = together_proof(
        "ollama", (LEAD, CODER), dict(zip(("lead", "coder"), answers, strict=True)), runners, rows, most
    )
    assert proof.verdict == verdict


def test_a_mark_is_in_the_answer_and_not_at_its_start() -> None:
    assert mark_of(SAID) == " "
    assert mark_of(said("aaaa")) == ""
    assert mark_of(said("abab")) == "b"
    assert (mark_of(said("")), mark_of(said("a")), mark_of("no answer")) == ("", "", "")
