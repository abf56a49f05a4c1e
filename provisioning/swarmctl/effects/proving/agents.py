"""Proves agents of either runtime: each answers with its own card, and its work is closed to whoever has no token."""

from collections.abc import Iterator

import requests

from swarmctl.core.hints import logs
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects.a2a import AgentClient
from swarmctl.effects.clock import wait_until
from swarmctl.effects.world import World
from swarmctl.errors import HostError

CARD_SECONDS = 15.0


def agent_proofs(service: ServiceRecord, record: SwarmRecord, world: World) -> Iterator[Proof]:
    """Its card and its token; asking for them asks no model."""
    role, url = service.subject, record.url(service.name)
    name = f"{record.swarm}/{role}"
    agent = world.agent(record, role)
    begun = world.clock.monotonic()
    mend = logs(record.swarm, role)
    promised = f"'{name}' within {CARD_SECONDS:.0f} s"
    try:
        card = wait_until(lambda: _card(agent), clock=world.clock, deadline=CARD_SECONDS, every=0.1, what="the card")
    except HostError as e:
        yield Proof("card answers", service.name, promised, "no answer", e.message, "fail", mend)
        return
    seconds = world.clock.monotonic() - begun
    measured = f"'{card.get('name')}' after {seconds:.1f} s"
    yield Proof("card answers", service.name, promised, measured, url, outcome(card.get("name") == name), mend)
    yield token_proof(service, url, mend)


def _card(agent: AgentClient) -> dict[str, object]:
    try:
        return agent.card()
    except HostError:
        return {}


def token_proof(service: ServiceRecord, url: str, mend: str) -> Proof:
    """Its work is refused without the token."""
    name, promised = "token demanded", "401 without it"
    body = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {}}
    with requests.Session() as http:
        http.trust_env = False
        try:
            code = http.post(f"{url}/", json=body, timeout=5).status_code
        except requests.RequestException as e:
            return Proof(name, service.name, promised, "no answer", type(e).__name__, "fail", mend)
    return Proof(name, service.name, promised, str(code), f"POST {url}/", outcome(code == 401), mend)
