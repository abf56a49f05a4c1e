"""Errors as they are told: one JSON document at most on stdout."""

import io
import json

from swarmctl.console import Console
from swarmctl.errors import HealthError

ERROR = HealthError("1 of 2 proofs failed", detail="lead: answers", hint="swarmctl up")


def test_an_error_is_the_document_where_there_was_no_answer() -> None:
    out, err = io.StringIO(), io.StringIO()
    Console(as_json=True, out=out, err=err).letter(ERROR)
    assert json.loads(out.getvalue())["exit_code"] == 8
    assert "next:  swarmctl up" in err.getvalue()


def test_after_an_answer_it_is_no_second_document() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(as_json=True, out=out, err=err)
    console.json({"passed": False})
    console.letter(ERROR)
    assert json.loads(out.getvalue()) == {"passed": False}
    assert err.getvalue().startswith("error: 1 of 2 proofs failed")
