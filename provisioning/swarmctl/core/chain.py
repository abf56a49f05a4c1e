"""The chain from nothing to a proved swarm: its parts, what each waits for, and the longest way through them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from swarmctl.core.plan import Step, Verb

AGENT_IMAGE, BOOT, CONVERT, DOCKER, IMAGES = "agent image here", "boot", "convert", "packages and Docker", "images"
MODELS, RENT, SSH, WALLS = "models", "rent", "SSH", "firewall and settings"
PREPARE = "prepare"
"""Of a machine whose services are processes: one part, with nothing beside it."""
KEYS, CONTAINERS, LOAD, PROOFS, RELEASE = "keys and folders", "containers", "load", "proofs", "release"

AFTER: Mapping[str, tuple[str, ...]] = {
    CONVERT: (),
    AGENT_IMAGE: (),
    RENT: (CONVERT,),
    BOOT: (RENT,),
    SSH: (BOOT,),
    DOCKER: (SSH,),
    MODELS: (SSH,),
    IMAGES: (DOCKER, AGENT_IMAGE),
    WALLS: (DOCKER,),
    PREPARE: (SSH,),
    KEYS: (WALLS, PREPARE),
    RELEASE: (KEYS,),
    CONTAINERS: (IMAGES, RELEASE),
    LOAD: (CONTAINERS, MODELS),
    PROOFS: (LOAD,),
}
"""What each part waits for; what stands in no such line may go on beside it."""
_PARTS = {Verb.DEPLOY: CONTAINERS, Verb.CHECK: PROOFS, Verb.RELEASE: RELEASE}


@dataclass(frozen=True, slots=True)
class Span:
    """One part once: seconds since the story began."""

    part: str
    begun: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.begun


@dataclass(frozen=True, slots=True)
class Link:
    """A part of a story: its first beginning and last end, the seconds in it, and the parts that went on beside it."""

    part: str
    begun: float
    ended: float
    seconds: float
    beside: tuple[str, ...]
    critical: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """A story as a chain. critical: seconds of the longest way; whole: of all of it, by the clock."""

    links: tuple[Link, ...]
    critical: float
    whole: float

    @property
    def ratio(self) -> float:
        """How much longer it took than its longest way; 1 for a story without parts."""
        return self.whole / self.critical if self.critical > 0 else 1.0


def part(step: Step) -> str:
    """`images`, `models`, `load`…"""
    if step.verb is Verb.PREPARE:
        return KEYS if step.subject == "local host" else IMAGES
    if step.verb is Verb.LOAD:
        return LOAD if "/" in step.where else MODELS
    return _PARTS[step.verb]


def chain(spans: Sequence[Span], whole: float) -> Chain:
    """What the parts of one story come to. A part that came twice at once counts the time in which it went on."""
    by_part = {name: [one for one in spans if one.part == name] for name in dict.fromkeys(one.part for one in spans)}
    took = {name: _covered(found) for name, found in by_part.items()}
    way, seconds = _longest(took)
    links = [
        Link(
            name,
            min(one.begun for one in found),
            max(one.ended for one in found),
            took[name],
            tuple(other for other, those in by_part.items() if other != name and _overlap(found, those)),
            name in way,
        )
        for name, found in by_part.items()
    ]
    return Chain(tuple(sorted(links, key=lambda link: (link.begun, link.ended))), seconds, whole)


def _longest(took: Mapping[str, float]) -> tuple[frozenset[str], float]:
    """The parts on the way that takes longest, and its seconds; a part that we do not know stands behind all others."""
    best: dict[str, tuple[float, tuple[str, ...]]] = {}
    for name in (*AFTER, *(name for name in took if name not in AFTER)):
        before = AFTER.get(name, tuple(best))
        longest = max((best[one] for one in before if one in best), default=(0.0, ()))
        best[name] = (longest[0] + took.get(name, 0.0), (*longest[1], *((name,) if name in took else ())))
    seconds, way = max(best.values(), default=(0.0, ()))
    return frozenset(way), seconds


def _covered(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of them went on."""
    seconds, until = 0.0, float("-inf")
    for one in sorted(spans, key=lambda one: one.begun):
        seconds += max(0.0, one.ended - max(one.begun, until))
        until = max(until, one.ended)
    return seconds


_MOMENT = 0.5
"""Seconds that two parts may go on together without being said to."""


def _overlap(ours: Iterable[Span], theirs: Sequence[Span]) -> bool:
    return any(min(a.ended, b.ended) - max(a.begun, b.begun) > _MOMENT for a in ours for b in theirs)
