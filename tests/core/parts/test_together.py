"""What parts say becomes what the swarm says: names stay apart, addresses and proofs stay true."""

from datetime import UTC, datetime
from typing import Any

import pytest

from swarmctl.core.clients import clients
from swarmctl.core.parts.together import home_of, record_of, routes, verdict_of
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.stack import Kind
from swarmctl.core.verdict import Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def service(name: str, kind: Kind, port: int, needs: tuple[str, ...] = (), **settings: Any) -> ServiceRecord:
    subject = name.partition("-")[2] or name
    return ServiceRecord(name=name, kind=kind, subject=subject, settings=settings, needs=needs, port=port)


def part(name: str, role: str, port: int, ways: dict[str, int], test: str | None = None) -> SwarmRecord:
    services = (
        service("ollama-cpu", "engine", port + 1, engine="ollama"),
        service(f"agent-{role}", "agent", port, ("ollama-cpu",), model=role, context=1, output=1),
        service("relay", "relay", 0, ways=ways),
    )
    return SwarmRecord(swarm=name, slot="slot-0", runtime="compose", services=services, floor=0.5, test=test)


PARTS = {
    "cards": part("team_cards", "backend", 21000, {"orchestrator": 9001}),
    "desk": part("team_desk", "orchestrator", 22000, {"backend": 9002}, "pytest -q"),
}


def test_agents_keep_their_names_and_all_else_says_where_it_is() -> None:
    whole = record_of("team", PARTS)
    assert whole is not None
    assert (whole.swarm, whole.roles, whole.test) == ("team", ("backend", "orchestrator"), "pytest -q")
    assert whole.url("agent-backend") == "http://127.0.0.1:21000"
    assert {s.name for s in whole.services if s.kind == "engine"} == {"cards/ollama-cpu", "desk/ollama-cpu"}
    assert {c.role: c.url for c in clients(whole)} == {
        "orchestrator": "http://127.0.0.1:22001",
        "backend": "http://127.0.0.1:21001",
    }
    assert record_of("team", {}) is None


def test_where_a_role_is_and_which_ways_there_are() -> None:
    assert (home_of("backend", PARTS), home_of("nobody", PARTS)) == ("cards", "")
    assert list(routes(PARTS)) == [("cards", "orchestrator", 9001), ("desk", "backend", 9002)]


@pytest.mark.parametrize("bad", ["cards", "desk", "ways", None])
def test_one_failed_proof_anywhere_is_a_failed_swarm(bad: str | None) -> None:
    def verdict(name: str) -> Verdict:
        proof = Proof("up", "relay", "runs", "runs", "", "fail" if name == bad else "pass")
        return Verdict(f"hash-{name}", NOW, 1.0, (proof,))

    whole = verdict_of({"cards": verdict("cards"), "desk": verdict("desk")}, verdict("ways"), NOW, 2.0, "up")
    assert whole.passed is (bad is None)
    assert [p.subject for p in whole.proofs] == ["cards/relay", "desk/relay", "relay"]


def test_another_form_of_one_part_is_another_form_of_the_swarm() -> None:
    one = Verdict("a", NOW, 1.0, ())
    first = verdict_of({"cards": one, "desk": one}, None, NOW, 0.0, "up")
    assert first.stack != verdict_of({"cards": one, "desk": Verdict("b", NOW, 1.0, ())}, None, NOW, 0.0, "up").stack
