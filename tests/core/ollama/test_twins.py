"""Two planned models on the same weights are a fault, though the server lists both: one runner serves them."""

from datetime import UTC, datetime

from swarmctl.core.ollama.api import Loaded
from swarmctl.core.ollama.proof import Promise, loaded_proof

NAMES = ("docs", "lead")
PROMISES = [Promise("demo", name, 512, 1, "q8_0", -1, "cpu") for name in NAMES]
ROWS = [Loaded(name, "d", 1, 0, 512, datetime(2400, 1, 1, tzinfo=UTC)) for name in NAMES]


def test_one_file_under_two_names() -> None:
    red = loaded_proof("ollama-cpu", PROMISES, None, ROWS, weights=dict.fromkeys(NAMES, "ab" * 32))
    assert (red.verdict, red.measured) == ("fail", "2 of 2 loaded; docs and lead are one file, with one runner")


def test_a_file_each_and_files_that_nobody_named() -> None:
    assert loaded_proof("ollama-cpu", PROMISES, None, ROWS, weights={"docs": "a", "lead": "b"}).verdict == "pass"
    assert loaded_proof("ollama-cpu", PROMISES, None, ROWS, weights={"docs": "a", "other": "a"}).verdict == "pass"
    assert loaded_proof("ollama-cpu", PROMISES, None, ROWS).verdict == "pass"
