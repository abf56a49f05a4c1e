"""JUnit XML: counts, and text that XML could break on."""

from datetime import UTC, datetime
from xml.etree import ElementTree

from swarmctl.core.junit import junit
from swarmctl.core.proof import Proof
from swarmctl.core.verdict import Verdict

AT = datetime(2026, 11, 21, 17, 0, 5, tzinfo=UTC)


def test_every_outcome() -> None:
    proofs = (
        Proof("context in force", "model lead", "1 × 512", "1 × 512", "argv", "pass"),
        Proof(
            "answers",
            "model \"a\" <b> & 'c'",
            "an answer",
            "no\nanswer",
            "\x00\x1b[31m]]> <|im_end|> \ud800",
            "fail",
            "up",
        ),
        Proof("card", "gpu0", "as planned", "not measured", "no nvidia-smi", "unknown"),
    )
    suites = ElementTree.fromstring(junit(Verdict("s", AT, 1.2345, proofs), "demo"))
    (suite,) = suites
    assert suite.attrib == {
        "name": "swarmctl.demo", "timestamp": "2026-11-21T17:00:05", "tests": "3", "failures": "1", "errors": "0",
        "skipped": "1", "time": "1.234",
    }  # fmt: skip
    well, failed, unknown = suite
    assert (well.get("classname"), well.get("name"), len(well)) == ("model lead", "context in force", 0)
    assert failed.get("classname") == "model \"a\" <b> & 'c'"
    (failure,) = failed
    assert failure.get("message") == "promised an answer, measured no\nanswer"
    assert failure.text == "evidence: ??[31m]]> <|im_end|> ?\nmend: up"
    assert unknown[0].tag == "skipped"
    assert "no nvidia-smi" in str(unknown[0].get("message"))


def test_no_proofs() -> None:
    assert ElementTree.fromstring(junit(Verdict("s", AT, 0.0, ()), "x"))[0].get("tests") == "0"
