"""Proves the way between hosts: from inside each part, whoever it asks on another one answers with its own name."""

import json
from collections.abc import Mapping
from contextlib import suppress

from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.partspec import MODEL, RELAY
from swarmctl.core.parts.together import home_of, routes
from swarmctl.core.proof import Proof, outcome
from swarmctl.core.record import SwarmRecord
from swarmctl.effects.clock import wait_until
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SwarmctlError

SECONDS = 30.0
"""In which a line that has just been begun stands."""
_SCRIPT = """
import json, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for url in sys.argv[1:]:
    try:
        said = json.load(opener.open(url, timeout=5))
        names = [said["name"]] if "name" in said else [one["id"].partition(":")[0] for one in said["data"]]
        print(json.dumps([url, names, ""]))
    except Exception as e:
        print(json.dumps([url, [], f"{type(e).__name__}: {e}"[:200]]))
"""
_CARD, _MODELS = "/.well-known/agent-card.json", "/v1/models"
Said = Mapping[str, tuple[list[str], str]]
"""Names that somebody answered with, and what went wrong, by way."""


def way_proofs(swarm: str, parts: Mapping[str, SwarmRecord], world: World, *, wait: bool) -> list[Proof]:
    """One for each agent or model that a part asks on another host. wait: until they answer, for a while."""
    found = []
    for slot in parts:
        asked = {way: _url(way, port) for where, way, port in routes(parts) if where == slot}
        if asked:
            found += _proofs(swarm, slot, parts, asked, world, wait)
    return found


def _url(way: str, port: int) -> str:
    return f"http://{RELAY}:{port}{_MODELS if way.startswith(MODEL) else _CARD}"


def _wanted(swarm: str, way: str, parts: Mapping[str, SwarmRecord]) -> str:
    """The name that whoever is meant answers with: a model's, or that on an agent's card."""
    if way.startswith(MODEL):
        return way.removeprefix(MODEL)
    return f"{part_name(swarm, home_of(way, parts))}/{way}"


def _proofs(
    swarm: str, slot: str, parts: Mapping[str, SwarmRecord], asked: Mapping[str, str], world: World, wait: bool
) -> list[Proof]:
    wanted = {way: _wanted(swarm, way, parts) for way in asked}
    said: dict[str, tuple[list[str], str]] = {}

    def all_answer() -> bool:
        said.update(_asked(swarm, slot, parts[slot], asked, world))
        return all(name in said[way][0] for way, name in wanted.items())

    with suppress(HostError):
        wait_until(all_answer, clock=world.clock, deadline=SECONDS if wait else 0.0, every=0.5, what="the other hosts")
    proofs = []
    for way, url in asked.items():
        names, why = said.get(way, ([], "nobody asked"))
        subject = f"{slot}/{way}" if way.startswith(MODEL) else f"{slot}/agent-{way}"
        promised, mend = f"'{wanted[way]}' through the relay", f"swarmctl up --swarm {swarm}"
        measured = f"'{wanted[way]}'" if wanted[way] in names else ", ".join(names) or "no answer"
        holds = outcome(wanted[way] in names)
        proofs.append(Proof("reached from another host", subject, promised, measured, why or url, holds, mend))
    return proofs


def _asked(swarm: str, slot: str, record: SwarmRecord, asked: Mapping[str, str], world: World) -> Said:
    """As an agent of that part sees them."""
    agent = f"agent-{record.roles[0]}"
    argv = ["python3", "-I", "-c", _SCRIPT, *asked.values()]
    try:
        text = world.compose(part_name(swarm, slot)).inside(agent, argv, seconds=5.0 * len(asked) + 10).text
    except SwarmctlError as e:
        return dict.fromkeys(asked, ([], e.message))
    rows: dict[str, tuple[list[str], str]] = {}
    for line in text.splitlines():
        with suppress(ValueError, TypeError):
            url, names, why = json.loads(line)
            rows[str(url)] = ([str(name) for name in names], str(why))
    return {way: rows.get(url, ([], "it said nothing of it")) for way, url in asked.items()}
