"""Deciding for containers: a spec and one look at the world in, a plan out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from swarmctl.core.composehost import ComposeHost
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.dialect import dialect
from swarmctl.core.enginestack import Facts
from swarmctl.core.hardware.box import Box
from swarmctl.core.images import images_of
from swarmctl.core.observed import Observed
from swarmctl.core.parts.partspec import serves
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement, Refused
from swarmctl.core.ports import assign
from swarmctl.core.settle import reasons
from swarmctl.core.sharing.foldable import foldable, whole
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.stack import ANSWERS, STAYS, Service, Stack
from swarmctl.core.stackfiles import of_kind
from swarmctl.core.stacks import stacks
from swarmctl.errors import DeployError

_SHA256 = "sha256:"
USUAL = 11434
"""Where clients look for Ollama: the server of card N is given this plus N where it is free."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A swarm as containers of this machine. notes: for the plan."""

    stacks: tuple[Stack, ...]
    placement: Placement
    site: ComposeSite
    notes: tuple[str, ...] = ()


def composed(spec: SwarmSpec, observed: Observed) -> Composed | tuple[str, ...]:
    """Place a swarm on this machine's cards and make its stacks; or why that cannot be."""
    host = host_of(observed)
    refused = (
        *([host.problem] if host.problem else []),
        *_problems(spec, observed),
        *_not_yet(spec),
        *whole(spec, host.known),
    )
    if refused:
        return refused
    placed = _placed(spec, observed, host)
    if isinstance(placed, Refused):
        return tuple(reasons(placed))
    chosen = images_of(spec.engine, host.version)
    identities = {key: source.identity for key, source in observed.sources.items()}
    found = stacks(spec, placed, Facts(chosen, observed.prompts, identities, observed.machine.cores))
    if wrong := tuple(_unlocked(found, host)):
        return wrong
    speaks = dialect(host.engine, ruled=host.ruled)
    names = [s.name for stack in found for s in stack.services if s.kind in ANSWERS]
    usual = {s.name: USUAL + n for n, s in enumerate(_servers(found))} if ORCHESTRATOR in spec.roles else {}
    ports = assign(spec.name + observed.home, names, given={**usual, **observed.ports}, busy=observed.busy)
    digests = {**_promised(observed), **host.digests}
    files = {key: f"gguf/{digest}.gguf" for key, digest in digests.items()}
    uuids = tuple(gpu.uuid for gpu in observed.machine.gpus)
    site = replace(host.site, ports=ports, files={**_unfetched(spec), **files}, dialect=speaks, owns=False, cards=uuids)
    gave = [f"{one.what} gave way, {one.before} → {one.after}: {one.cause}" for one in placed.gave]
    blind = f" (nvidia-smi: {observed.machine.gpu_problem})" if observed.machine.gpu_problem else ""
    cards = [] if host.box.cards else [f"no GPU is here: models run on the CPU{blind}"]
    return Composed(found, placed, site, (*gave, *cards, *placed.notes, *speaks.notes, *host.box.notes))


def _placed(spec: SwarmSpec, observed: Observed, host: ComposeHost) -> Placement | Refused:
    """Where its models are here; nowhere for a part that has none."""
    if serves(spec) == "agents":
        return Placement("separate", ())
    return place(demand(foldable(spec, host.known), host.known), _box(observed, host.box))


def host_of(observed: Observed) -> ComposeHost:
    """The part of a look that containers need; ValueError when nobody looked."""
    if observed.compose is None:
        raise ValueError("nobody looked at Docker")
    return observed.compose


def used_images(found: Sequence[Stack]) -> list[str]:
    """The images of everything that `up` starts, each once."""
    names = [str(s.settings["image"]) for stack in found for s in running_services(stack)]
    return list(dict.fromkeys(names))


def running_services(stack: Stack) -> list[Service]:
    """The services that are containers which stay."""
    return [s for s in stack.services if s.kind in STAYS]


def _servers(found: Sequence[Stack]) -> list[Service]:
    return [s for s in of_kind(found, "engine") if s.settings["engine"] == "ollama"]


def _box(observed: Observed, box: Box) -> Box:
    """The machine as it would be without our own containers."""
    ours = sum(service.resident for service in (*observed.services, *observed.strays))
    return replace(box, ram=max(0, int(observed.machine.ram_free + ours)))


def _promised(observed: Observed) -> dict[str, str]:
    """Digests of files that are here and not in the store yet: they are called now what they will be called then."""
    known = {key: source.identity for key, source in observed.sources.items()}
    return {key: one.removeprefix(_SHA256) for key, one in known.items() if one.startswith(_SHA256)}


def _unfetched(spec: SwarmSpec) -> dict[str, str]:
    return {source.key: f"gguf/{name}.gguf" for name, source in spec.models.items()}


def _problems(spec: SwarmSpec, observed: Observed) -> Iterator[str]:
    for name, source in spec.models.items():
        seen = observed.sources.get(source.key)
        if seen and seen.problem:
            yield f"models.{name}: {seen.problem}"
    on_cards = sorted({service.gpu for service in observed.services} - {"cpu"})
    if observed.machine.gpu_problem and on_cards:
        yield (
            f"nvidia-smi does not say which cards are left: {observed.machine.gpu_problem}; what runs on "
            f"{', '.join(on_cards)} is left as it is. Restart the driver or the machine, then: swarmctl up"
        )
    for name in host_of(observed).foreign:
        yield f"{name} has this swarm's name and was made from other files: end it, or give this swarm another name"


def _unlocked(found: Sequence[Stack], host: ComposeHost) -> Iterator[str]:
    """Images that are here, and are not those that the lock holds."""
    for name in used_images(found):
        try:
            if name in host.seen:
                host.lock.check(host.seen[name])
        except DeployError as e:
            yield f"{e.message}\n{e.detail}\n{e.hint}"


def _not_yet(spec: SwarmSpec) -> Iterator[str]:
    """What can be planned and not be served by containers yet."""
    if spec.engine.kind == "vllm":
        yield "engine.kind: vllm is planned for, and not run: --engine ollama (or llamacpp)"
