"""Images of a swarm: which are here, which are missing or stale, and how they come: pulled by digest, or built."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from swarmctl.core.imagetext import progress, why
from swarmctl.core.lock import Lock, Seen
from swarmctl.effects.dockerapi import Ask, asking
from swarmctl.effects.process import Completed
from swarmctl.effects.recipe import Recipe, recipe
from swarmctl.effects.shell import HERE, Shell
from swarmctl.errors import DeployError, HostError

INPUTS, BASE = "swarmctl.inputs", "swarmctl.base"
"""Labels of an image of ours: the hash of what it was built from, and the ID of its base."""

_PULL, _SHORT = 3600.0, 60.0
"""Seconds."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Here:
    """One image of this Engine. size in bytes."""

    id: str
    digests: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def seen(self, reference: str) -> Seen:
        """As the lock knows it: by the registry's digest where one vouches for it, else by its ID."""
        local = any(d.partition("@")[2] == self.id for d in self.digests)  # as stores by containerd name images
        if inputs := self.labels.get(INPUTS):
            return Seen(reference, self.id, "built", inputs, local)
        name = _short(reference).rpartition(":")[0]
        pulled = sorted(d.partition("@")[2] for d in self.digests if d.partition("@")[0] == name)
        return Seen(reference, pulled[0], local=local) if pulled else Seen(reference, self.id, "built")


def here(ask: Ask | None = None) -> dict[str, Here]:
    """Every tagged image of the Engine by its tag, in one listing. Raises HostError when no Engine answers."""
    found: dict[str, Here] = {}
    for row in (ask or asking())("/images/json"):
        one = Here(row["Id"], tuple(row.get("RepoDigests") or ()), row.get("Labels") or {}, row.get("Size") or 0)
        found |= dict.fromkeys(row.get("RepoTags") or (), one)
    return found


def missing(images: Iterable[str], *, ask: Ask | None = None, apart: bool = False) -> list[str]:
    """Those that are not here, and those of ours that were built from something else than what is here now.

    apart: the Engine is another machine's. One listing of the Engine and, for our own images, one reading of the
    package's files. Raises HostError.
    """
    wanted, known = list(dict.fromkeys(images)), here(ask)
    return [name for name in wanted if not _current(name, known, apart)]


def stale(known: dict[str, Here], *, apart: bool = False) -> list[str]:
    """Those of ours that were built from something else than what is here now. known: as `here` gives them."""
    return [name for name in known if name.startswith("swarmctl/") and not _current(name, known, apart)]


def look(images: Iterable[str], *, ask: Ask | None = None) -> tuple[Seen, ...]:
    """What is here of these images, for `Lock.merge`; those that are missing are left out. Raises HostError."""
    known = here(ask)
    return tuple(known[_short(name)].seen(_bare(name)) for name in dict.fromkeys(images) if _short(name) in known)


def provide(reference: str, *, lock: Lock, tell: Tell = lambda _: None, ask: Ask | None = None) -> Seen:
    """Sees that an image is here, and that it is the one that the lock holds.

    Ours are built where they are missing or stale, others pulled where they are missing, by digest where the lock has
    one. tell: gets a line now and then. Raises DeployError: cannot be pulled or built, no space, another image than
    the lock's; HostError when no Engine answers.
    """
    ask = ask or asking()
    reference = _bare(reference)
    known, own = here(ask), recipe(reference)
    if not _current(reference, known, apart=False):
        if own is None:
            pull(reference, lock, tell)
        else:
            _build(own, known, lock, tell, ask)
        known = here(ask)
    found = known.get(_short(reference))
    if found is None:
        raise DeployError(f"{reference} is still not here", hint=f"docker image inspect {reference}")
    seen = found.seen(reference)
    lock.check(seen)
    return seen


def prune(keep: Iterable[str], *, ask: Ask | None = None, shell: Shell = HERE) -> list[str]:
    """Removes what we built and what a newer build took the tag from; one in use stays. Gives the IDs that went.

    keep: IDs of images that someone may go back to. Raises HostError when no Engine answers.
    """
    rows = (ask or asking())("/images/json", filters={"dangling": ["true"], "label": [INPUTS]})
    gone = [row["Id"] for row in rows if row["Id"] not in set(keep)]
    return [one for one in gone if shell.run(("docker", "rmi", one), seconds=_SHORT, check=False).code == 0]


def pull(reference: str, lock: Lock, tell: Tell, shell: Shell = HERE) -> None:
    """Fetches an image from its registry, under its own tag. Raises DeployError with the reason."""
    digest = lock.pins().get(reference)
    name = f"{reference.rpartition(':')[0]}@{digest}" if digest else reference
    tell(f"pulling {name}")
    done = shell.follow(("docker", "pull", name), telling(tell), seconds=_PULL)
    if done.code:
        locked = f"{digest} is what swarm.lock demands. " if digest else ""
        raise failed(f"{reference} cannot be pulled", done, f"{locked}docker pull {name}")
    if digest:
        shell.run(("docker", "tag", name, reference), seconds=_SHORT)


def failed(message: str, done: Completed, command: str) -> DeployError:
    """The error of a client that failed: the reason where its lines give one, they themselves, and what to type."""
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    reason, hint = why(lines)
    if done.code < 0:
        reason = reason or "it was stopped: the time is up, or the memory"
    return DeployError(
        f"{message}: {reason}" if reason else message,
        detail="\n".join(line[:300] for line in lines[-12:]),
        hint=f"{hint}   ({command})" if hint else command,
    )


def _current(reference: str, known: dict[str, Here], apart: bool) -> bool:
    """apart: it may have been built on this machine's base and sent, whatever that machine has under the base's tag."""
    found, own = known.get(_short(reference)), recipe(_bare(reference))
    if found is None or own is None:
        return found is not None
    if INPUTS not in found.labels:
        return False
    base = known.get(_short(own.base))
    if found.labels[INPUTS] == own.inputs(base.id if base else found.labels.get(BASE, "")):
        return True
    return apart and found.labels[INPUTS] == own.inputs(_near(own.base))


def _near(reference: str) -> str:
    """The ID of an image of this machine's own Engine; empty where there is none."""
    with suppress(HostError):
        found = here().get(_short(reference))
        return found.id if found else ""
    return ""


def _build(own: Recipe, known: dict[str, Here], lock: Lock, tell: Tell, ask: Ask) -> None:
    from swarmctl.effects.building import build  # noqa: PLC0415 - rare, and a second `up` is to be quick

    if _short(own.base) not in known:
        pull(own.base, lock, tell)
        known = here(ask)
    if _short(own.base) not in known:
        raise DeployError(f"{own.base} is still not here", hint=f"docker pull {own.base}")
    build(own, known[_short(own.base)].id, tell, ask)


def telling(tell: Tell) -> Tell:
    """Passes on what says how far it is, each sentence once in a row."""
    last = [""]

    def line(text: str) -> None:
        said = progress(text)
        if said and said != last[0]:
            last[0] = said
            tell(said)

    return line


def _bare(reference: str) -> str:
    """Without a digest behind the tag."""
    return reference.partition("@")[0]


def _short(reference: str) -> str:
    """The tag as the Engine lists it."""
    return _bare(reference).removeprefix("docker.io/").removeprefix("library/")
