"""The seal as a person sees it: marks, numbers, and every service that has a hole; or JSON."""

import io
import json
from datetime import UTC, datetime

from swarmctl.console import Console
from swarmctl.console.seal import show_seal
from swarmctl.core.seal import Finding, Row, Seal, row

SEAL = Seal(
    "demo",
    datetime(2026, 11, 21, tzinfo=UTC),
    12.3,
    (
        Row(1, "only the gateway publishes", "not yet", "comes with the gateway"),
        row(4, "root is read-only", [Finding("agent-docs", "pass", "touch /: EROFS")]),
        row(5, "no capabilities", [Finding("a", "pass", "x"), Finding("agent-docs", "fail", "CapEff 1")]),
        row(None, "no raw sockets", [Finding("agent-docs", "unknown", "no Python")]),
    ),
)


def shown(as_json: bool) -> str:
    out = io.StringIO()
    show_seal(Console(as_json=as_json, out=out, err=io.StringIO()), SEAL)
    return out.getvalue()


def test_a_table() -> None:
    assert shown(False) == (
        "-     1  only the gateway publishes  not yet: it comes with the gateway\n"
        "ok    4  root is read-only           agent-docs: touch /: EROFS\n"
        "FAIL  5  no capabilities             a hole in 1 of 2 containers\n"
        "     agent-docs: CapEff 1\n"
        "?        no raw sockets              cannot be told of 1 of 1 containers\n"
        "     agent-docs: no Python\n"
        "1 of 3 walls have a hole, 1 could not be looked at, 1 come with the gateway, in 12.3 s\n"
    )


def test_json() -> None:
    said = json.loads(shown(True))
    assert said["schema"] == "swarmctl/seal/v1"
    assert said["rows"][2]["findings"][1] == {"service": "agent-docs", "verdict": "fail", "evidence": "CapEff 1"}
