"""Acting with processes on another machine: files of this one are sent, then the hand walks the plan there."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.gguf import GgufFacts
from swarmctl.core.handtalk import packed, raised
from swarmctl.core.plan import Step, Verb
from swarmctl.core.spec import ModelSource
from swarmctl.core.units import as_size
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files, swarmkeys
from swarmctl.effects.bringing.depot import Depot, DiskFullError, File
from swarmctl.effects.bringing.resolving import fetches, resolved
from swarmctl.effects.bringing.supply import Supply
from swarmctl.effects.execute import Job, Progress, StepEnded
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.hand.looking import as_there
from swarmctl.effects.hand.proving import kept
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.talk import Feed, Hear
from swarmctl.effects.hosts.working import at_work
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

_LONG = 6 * 3600.0
"""Seconds for a model to be sent, and for a whole plan."""
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _AsOneself:
    """A line whose user needs to be nobody else: processes and their models are that user's own."""

    line: Line

    def converse(self, argv: list[str], *, feed: Feed, hear: Hear, seconds: float, root: bool) -> Completed:  # noqa: ARG002 - its promise
        """As Line has it, whatever is said of root."""
        return self.line.converse(argv, feed=feed, hear=hear, seconds=seconds, root=False)


@dataclass
class HandJob(Job):
    """A plan for processes of another machine."""

    def execute(self) -> Verdict | None:
        """As Job has it; what fails there fails here."""
        hand = self._hand
        with at_work(hand.over.line) if hand.placed.lease else nullcontext():
            return self._executed(hand)

    def _executed(self, hand: Hand) -> Verdict | None:
        self.begin()
        for n, step in enumerate(self.plan.steps, 1):
            if step.verb is Verb.LOAD:
                self.load(n, step)
        places = self.world.places(self.spec.name)
        said = hand.ask(
            "execute",
            tell=self._told,
            seconds=_LONG,
            spec=as_there(self.spec, self.world),
            plan=packed(self.plan),
            observed=packed(self.observed),
            secrets={"engine": files.secret(places.engine_key), "agent": files.secret(places.agent_token)},
        )
        if not isinstance(said, dict):
            raise HostError(f"{hand.name} does not say what it did", hint="swarmctl up")
        self.verdict = kept(said.get("verdict"), self.spec.name, self.world, hand)
        if said.get("failed"):
            raise raised(said["failed"], hand.name)
        return self.verdict

    def begin(self) -> None:
        """Keys are made, what will run is written down, and its ports are reached from here."""
        places = self.world.places(self.spec.name)
        swarmkeys.make(places)
        self.remember()
        self._hand.over.forward(tuple(self.plan.ports.values()))

    def load(self, n: int, step: Step) -> None:
        """A file that the machine lacks is sent, or fetched by it, and belongs to the store there."""
        source, hand = self.spec.models[step.subject], self._hand
        depot = Depot(_AsOneself(hand.over.line), hand.name, f"{hand.placed.base}/brought", "0:0")
        if source.path is not None:
            self._sent(n, source, depot)
        elif source.file is not None:
            self._fetched(n, source, depot)

    def _sent(self, n: int, source: ModelSource, depot: Depot) -> None:
        """A file of this computer, from the byte on that is missing there."""
        digest = self.world.store.fingerprint(source).partition(":")[2]
        if self._holds(source, digest):
            return
        held = self.world.store.held(source)
        path = held.blob if held is not None else Path(source.path or "")
        self.tell(Progress(n, f"sending {as_size(path.stat().st_size / _MIB)} to {depot.name}"))
        depot.push(File(digest, path.stat().st_size), path, self._watch(n, "sent"))
        self._taken(source, digest, depot, held.facts if held is not None and held.facts.adapter else None)

    def _fetched(self, n: int, source: ModelSource, depot: Depot) -> None:
        """A hub's file, by its hash: the machine has it by itself where it can, else it goes through here.

        Where this computer does not reach the hub, the machine is left to it.
        """
        store = self.world.store
        try:
            away = resolved(source, store) if fetches(source) else None
            known = away or store.held(source)
            if known is not None and self._holds(source, known.sha256):
                return
            self.tell(Progress(n, f"{depot.name} fetches {source.key}" if away else f"bringing {source.key}"))
            Supply(self.spec, depot, store, self.world.errands, self.world.errands.say).bring(
                source, self._watch(n, source.file or "")
            )
        except DiskFullError:
            raise
        except HostError as e:
            if not fetches(source) or store.described(source) is not None:
                raise
            self.tell(Progress(n, f"{e.message}: {depot.name} tries by itself"))
            return
        if (brought := store.described(source)) is not None:
            self._taken(source, brought.sha256, depot)

    def _holds(self, source: ModelSource, digest: str) -> bool:
        """The store there has this content, and knows it under the source's name from now on."""
        return self._hand.ask("holds", key=source.key, sha256=digest) is True

    def _taken(self, source: ModelSource, digest: str, depot: Depot, edit: GgufFacts | None = None) -> None:
        """What was brought belongs to the store there. edit: facts of an adapter."""
        facts = edit.as_json() if edit is not None else None
        self._hand.ask("take", key=source.key, file=depot.place(digest), sha256=digest, facts=facts, seconds=_LONG)

    def _watch(self, n: int, what: str) -> Callable[[int, int], None]:
        return lambda done, total: self.tell(Progress(n, what, done, total))

    def prepare(self, n: int, step: Step) -> None:
        """The hand's."""

    def deploy(self, n: int, step: Step) -> None:
        """The hand's."""

    def release(self, n: int, step: Step) -> None:
        """The hand's."""

    def _told(self, said: Any) -> None:
        """Progress of the steps there, as if they were done here."""
        if not isinstance(said, dict) or not 0 < int(said.get("step") or 0) <= len(self.plan.steps):
            return
        if said.get("ended"):
            self.tell(StepEnded(int(said["step"]), float(said.get("seconds") or 0)))
            return
        done, total = int(said.get("done") or 0), said.get("total")
        text = str(said.get("text", ""))[:500]
        self.tell(Progress(int(said["step"]), text, done, None if total is None else int(total)))

    @property
    def _hand(self) -> Hand:
        hand = self.world.hand(self.spec.name)
        if hand is None:
            raise HostError(f"swarm '{self.spec.name}' has no other machine", hint="swarmctl up")
        return hand
