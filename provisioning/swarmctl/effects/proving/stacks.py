"""Proves every stack of a swarm that runs as containers: looks at all first, asks after."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from swarmctl.core.containerproof import DEATHS, up_proof
from swarmctl.core.containers import Container
from swarmctl.core.engine import EngineFile
from swarmctl.core.hints import logs
from swarmctl.core.insideview import Inside
from swarmctl.core.labels import HASH
from swarmctl.core.ollama.log import launches
from swarmctl.core.ollama.outside import card_proof
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.room import container_room, disk_room, host_room
from swarmctl.core.stack import STAYS
from swarmctl.core.verdict import Depth
from swarmctl.effects.clock import wait_until
from swarmctl.effects.engines.llamacpp import ready as server_ready
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.engines.ollamaproofs import OllamaUnderTest, after_talk
from swarmctl.effects.engines.ollamaproofs import ask as ask_ollama
from swarmctl.effects.engines.ollamaproofs import look as look_ollama
from swarmctl.effects.engines.ollamaspeech import Long
from swarmctl.effects.proving import gateway, llamacpp, ollama
from swarmctl.effects.proving.agents import agent_proofs
from swarmctl.effects.proving.outside import closed_proofs
from swarmctl.effects.proving.peek import peek
from swarmctl.effects.proving.runtime import Containers
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SwarmctlError

SETTLE = 120.0
"""Seconds in which a container's first health check must have been made."""
_WORDS = 4
"""Last lines of a log that are shown of a container that is not well."""
_ROOMS = 4
"""Containers looked into at the same time."""

_LONG: Mapping[Depth, Long] = {"look": "quick", "up": "quick", "check": "one", "whole": "all"}

Tell = Callable[[str], None]


class Stacks:
    """One round of proofs of one swarm. golden: how answers begin, by model."""

    def __init__(
        self,
        record: SwarmRecord,
        runtime: Containers,
        world: World,
        depth: Depth,
        *,
        golden: Mapping[str, str],
        tell: Tell,
    ) -> None:
        self._record, self._runtime, self._world, self._tell = record, runtime, world, tell
        self._asks, self._depth, self._golden = depth != "look", depth, golden

    def proofs(self) -> list[Proof]:
        """Every promise that can be read back. Raises HostError when Docker does not answer."""
        there = self._containers(self._answers)
        engines = [service for service in self._of("engine") if _runs(there.get(service.name))]
        looked = {service.name: self._look(service) for service in engines}
        if self._asks:
            for service in engines:
                looked[service.name] = self._ask(service, looked[service.name])
        there, begun = self._containers(_judged) if self._asks else there, there
        found = self._ups(begun, there)
        for proofs in looked.values():
            found += proofs
        for service in (s for s in self._of("gateway") if _runs(there.get(s.name))):
            found += self._gateway(service)
        for service in self._of("agent"):
            if not _runs(there.get(service.name)):
                continue  # that it is down is said above, and nobody need wait for its card
            self._tell(f"asking {service.name} for its card")
            found += agent_proofs(service, self._record, self._world)
        return [
            *found,
            *self._room(there),
            *closed_proofs(self._record, self._runtime, self._world.connection(self._record.swarm)),
        ]

    def _containers(self, well: Callable[[Container], bool]) -> Mapping[str, Container]:
        """All of them once each is well, where there is time for that."""
        seen: list[Mapping[str, Container]] = []

        def settled() -> bool:
            seen[:] = [{one.service: one for one in self._runtime.containers()}]
            return all(well(one) for one in seen[0].values())

        with suppress(HostError):
            wait_until(settled, clock=self._world.clock, deadline=SETTLE if self._asks else 0.0, every=0.5)
        return seen[0] if seen else {one.service: one for one in self._runtime.containers()}

    def _answers(self, one: Container) -> bool:
        """An engine may be asked as soon as it answers: an old Docker looks at its health only after ten seconds."""
        service = next((service for service in self._of("engine") if service.name == one.service), None)
        if service is None or _judged(one):
            return True
        if service.settings["engine"] == "llamacpp":
            return server_ready(self._server(service))
        with ollama.client(service, self._record, self._runtime) as client:
            return client.answers()

    def _of(self, *kinds: str) -> list[ServiceRecord]:
        return [service for service in self._record.services if service.kind in kinds]

    def _ups(self, begun: Mapping[str, Container], now: Mapping[str, Container]) -> list[Proof]:
        """Containers as they are once all was asked: a question may have ended one that was well when it began."""
        found = []
        for service in self._of(*STAYS):
            (stack,) = (stack for stack in self._record.stacks if stack.gpu == service.gpu)
            wanted, first = stack.labels(stack.service(service.name))[HASH], begun.get(service.name)
            asked = first is not None and (service.kind == "engine" or _judged(first))
            restarts = first.restarts if first is not None and asked else None
            proof = up_proof(service.name, self._record.swarm, wanted, now.get(service.name), restarts)
            found.append(self._with_last_words(proof) if proof.verdict == "fail" else proof)
        return found

    def _with_last_words(self, proof: Proof) -> Proof:
        """What a container wrote before it ended says more than how it ended."""
        lines = [line.strip() for line in self._runtime.tail(proof.subject, _WORDS).splitlines() if line.strip()]
        said = f"{proof.evidence}; its log ends: {' / '.join(lines)[-400:]}"
        return replace(proof, evidence=said) if lines else proof

    def _look(self, service: ServiceRecord) -> list[Proof]:
        self._tell(f"looking at {service.name}")
        if service.settings["engine"] == "llamacpp":
            return llamacpp.look(self._server(service), service, self._runtime, self._world.store)
        with ollama.client(service, self._record, self._runtime) as client:
            try:
                target = self._target(service, client)
                found = look_ollama(client, target, self._world.clock, later=self._depth != "up")
                return found + self._card(service, target, client)
            except SwarmctlError as e:
                return [_silent(self._record.swarm, service, e)]

    def _ask(self, service: ServiceRecord, looked: list[Proof]) -> list[Proof]:
        self._tell(f"asking the models of {service.name}")
        if service.settings["engine"] == "llamacpp":
            found = llamacpp.ask(self._server(service), service, self._runtime, self._record.floor)
            return looked + found
        with ollama.client(service, self._record, self._runtime) as client:
            try:
                target = self._target(service, client)
                begun = self._world.clock.monotonic()
                asked = ask_ollama(client, target, long=_LONG[self._depth])
                idle = self._world.clock.monotonic() - begun
                return after_talk(client, target, self._world.clock, looked, idle) + asked
            except SwarmctlError as e:
                return [*looked, _silent(self._record.swarm, service, e)]

    def _gateway(self, service: ServiceRecord) -> list[Proof]:
        """What it says, and where models are asked, each of its own."""
        key = str(self._world.places(self._record.swarm).engine_key)
        self._tell(f"looking at {service.name}")
        found = gateway.look(service, self._record, key)
        if self._asks:
            self._tell(f"asking the models behind {service.name}")
            found += gateway.ask(service, self._record, key, self._golden)
        return found

    def _target(self, service: ServiceRecord, client: Ollama) -> OllamaUnderTest:
        engine, _ = client.engine()
        return ollama.under_test(service, self._record, self._runtime, self._world.store, engine, self._golden)

    def _server(self, service: ServiceRecord) -> EngineFile:
        key = self._world.places(self._record.swarm).engine_key
        return llamacpp.settings_of(service, self._record, str(key))

    def _card(self, service: ServiceRecord, target: OllamaUnderTest, client: Ollama) -> list[Proof]:
        """Of a server that has one: what nvidia-smi shows from within its container, or on this host."""
        if service.gpu == "cpu":
            return []
        seen = target.peek()
        cards = seen.cards if seen else None
        name = f"card {service.gpu}"
        if cards is None:
            reason = "there is no nvidia-smi in its container"
            return [Proof("card memory as planned", name, "as planned", "not measured", reason, "unknown")]
        loaded = [
            row.name for row in client.running() if row.name in {p.model for p in target.promises if p.device != "cpu"}
        ]
        needs = [target.expected.get(model) for model in loaded]
        started = launches(client.logged()).values()
        software = next((launch.software for launch in started if launch.software), "")
        return [card_proof(name, self._record.swarm, len(loaded), needs, cards, software)]

    def _room(self, there: Mapping[str, Container]) -> list[Proof]:
        """Memory of every container, then what is left of the host."""
        here = [s for s in self._of("engine", "agent", "gateway") if _runs(there.get(s.name))]
        with ThreadPoolExecutor(_ROOMS) as pool:
            peeks = list(pool.map(self._peek, here))
        found = [
            container_room(service.name, self._record.swarm, float(service.settings["memory"]), inside)
            for service, inside in zip(here, peeks, strict=True)
        ]
        seen = [inside for inside in peeks if inside]
        disks = {disk.path: disk for inside in seen for disk in inside.disks}
        host = seen[0] if seen else None
        return [*found, host_room(self._record.swarm, host), disk_room(self._record.swarm, tuple(disks.values()))]

    def _peek(self, service: ServiceRecord) -> Inside | None:
        return peek(self._runtime, service.name, ollama.MODELS if service.kind == "engine" else "/data")


def _judged(one: Container) -> bool:
    """Its health was looked at since it was started."""
    return one.health != "starting"


def _runs(found: Container | None) -> bool:
    """It runs, and not only between two deaths."""
    if found is None or found.state != "running":
        return False
    return found.health != "starting" or found.restarts < DEATHS


def _silent(swarm: str, service: ServiceRecord, error: SwarmctlError) -> Proof:
    mend = logs(swarm, service.name)
    said = f"{error.message}: {error.detail}" if error.detail else error.message
    return Proof("API answers", service.name, "it answers", "no answer", said, "fail", mend)
